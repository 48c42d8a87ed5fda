//! The services behind the gateway: each has one or more instances, of which the less busy ones are asked.
//!
//! What must hold: a request is sent again only if that changes nothing when the first one was executed, or if the first
//! one was never sent.

mod ask;
mod identity_tokens;
mod instance;
mod retry;
mod settings;
mod trouble;

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use choreography::Clock;
use choreography_axum::{InvalidField, Problem};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;
use tower::balance::p2c::Balance;
use tower::buffer::Buffer;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PendingRequests};
use tower::retry::Retry;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};
use tower_http::timeout::TimeoutBody;

pub use ask::Ask;
use identity_tokens::IdentityTokens;
pub use identity_tokens::{IdentityKey, InvalidIdentityKey};
use instance::{Instance, client};
use retry::{RetryRepeatable, was_not_sent};
pub use settings::{BaseUrl, InvalidBaseUrl, UpstreamSettings};
use trouble::Trouble;

/// How many requests to one service wait at most until an instance takes them.
const QUEUE_MAX: usize = 1_024;
/// How long an answer may take with all tries: less than the gateway's own response may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(9);
/// How long nothing may come of a body before it is broken off: a stream of events sends a comment every 15 seconds.
const SILENCE_TIME_MAX: Duration = Duration::from_secs(45);
/// The largest answer that is read as JSON, in bytes: a page of a hundred orders of a hundred lines each has less.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// After how many seconds a caller may try again if a service does not respond.
const TRY_AGAIN_SECONDS: u32 = 1;

/// A request to a service; its body is in memory, so that it can be sent again.
type UpstreamRequest = axum::http::Request<Full<Bytes>>;
/// Balances requests to one service over its instances, and sends them again where that is allowed.
type Pool = BoxCloneSyncService<UpstreamRequest, Response<Incoming>, BoxError>;

/// A service behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names of the services")]
pub enum Upstream {
    Order,
    Payment,
    Delivery,
    Notify,
    Inventory,
    Wallet,
    Customer,
}

impl Upstream {
    /// Returns the name of the service.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Delivery => "delivery",
            Self::Notify => "notify",
            Self::Inventory => "inventory",
            Self::Wallet => "wallet",
            Self::Customer => "customer",
        }
    }
}

impl Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The services behind the gateway; a clone is the same.
#[derive(Clone)]
pub struct Upstreams {
    pools: Arc<BTreeMap<Upstream, (Pool, Trouble)>>,
    identities: Arc<IdentityTokens>,
}

impl Upstreams {
    /// Returns the services at these addresses. Nothing is connected yet.
    pub fn new(settings: &UpstreamSettings, clock: Clock) -> Self {
        let client = client();
        let pool = |(upstream, instances): (Upstream, &[BaseUrl])| {
            let alone = instances.len() == 1;
            let instances = instances.iter().map(|base| {
                PendingRequests::new(Instance::new(client.clone(), base.clone(), alone), CompleteOnResponse::default())
            });
            let instances = ServiceList::new::<UpstreamRequest>(instances.collect::<Vec<_>>());
            let balanced = Buffer::new(Balance::new(instances), QUEUE_MAX);
            let retried = Retry::new(RetryRepeatable::default(), balanced);
            let pool = BoxCloneSyncService::new(Timeout::new(retried, ANSWER_TIME_MAX));
            (upstream, (pool, Trouble::none(upstream)))
        };
        let identities = Arc::new(IdentityTokens::new(settings.identity_key.clone(), clock));
        Self { pools: Arc::new(settings.instances().map(pool).into_iter().collect()), identities }
    }

    /// Asks a service, and returns the JSON of its answer; null if it has none.
    ///
    /// # Errors
    /// The service's own problem, with its status; 502 or 503 if it does not respond.
    pub async fn ask(&self, ask: Ask) -> Result<Value, Problem> {
        let upstream = ask.upstream;
        let response = self.send(ask).await?;
        let (parts, body) = response.into_parts();
        let body = timeout(ANSWER_TIME_MAX, Limited::new(body, ANSWER_BYTES_MAX).collect());
        let body = body.await.map_err(|late| broken(upstream, &late))?.map_err(|error| broken(upstream, &*error))?;
        let body = body.to_bytes();
        let json = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        let json: Value = json.map_err(|error| broken(upstream, &error))?;
        if parts.status.is_success() { Ok(json) } else { Err(problem_of(parts.status, &parts.headers, &json)) }
    }

    /// Sends a request to a service, and returns its response, whatever its status; the body is streamed, and ends with an
    /// error when nothing comes of it for too long.
    ///
    /// # Errors
    /// 503 if no instance responds, 502 if one may have executed a request that must not be sent again.
    pub async fn send(&self, ask: Ask) -> Result<Response<Body>, Problem> {
        let (upstream, repeatable) = (ask.upstream, ask.repeatable);
        let (pool, trouble) = &self.pools[&upstream];
        let response = pool.clone().oneshot(ask.into_request(&self.identities)).await.map_err(|error| {
            trouble.is("a service behind the gateway does not respond: callers get a 503 or 502", Some(&*error));
            if repeatable || was_not_sent(&error) { no_response(upstream) } else { outcome_unknown(upstream) }
        })?;
        if response.status() == StatusCode::UNAUTHORIZED {
            trouble.is("a service refuses the gateway's own token: do IDENTITY_KEY and REQUIRE_GATEWAY fit?", None);
            return Err(refused(upstream));
        }
        trouble.is_over();
        Ok(response.map(|body| Body::new(TimeoutBody::new(SILENCE_TIME_MAX, body))))
    }
}

/// Makes the problem of a service that a caller of the gateway gets as its own.
fn problem_of(status: StatusCode, headers: &axum::http::HeaderMap, body: &Value) -> Problem {
    let code = body["type"].as_str().and_then(|kind| kind.strip_prefix("urn:problem:")).unwrap_or("upstream");
    let mut problem = Problem::new(status, code, body["detail"].as_str().unwrap_or_default());
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    let errors = body["errors"].as_array().into_iter().flatten();
    problem.errors = errors.map(|error| InvalidField::at(text(&error["pointer"]), text(&error["detail"]))).collect();
    let retry_after = headers.get("retry-after").and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    match retry_after {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}

fn no_response(upstream: Upstream) -> Problem {
    let detail = format!("{upstream} does not respond at the moment: try again");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "upstream-unavailable", detail).retry_after(TRY_AGAIN_SECONDS)
}

/// Makes the problem of a request that was sent, and may be executed twice if it is sent again.
fn outcome_unknown(upstream: Upstream) -> Problem {
    let detail = format!(
        "{upstream} did not respond, and may have done it or not: look, before you send it again. With an \
         `idempotency-key` it can always be sent again"
    );
    Problem::new(StatusCode::BAD_GATEWAY, "outcome-unknown", detail)
}

fn refused(upstream: Upstream) -> Problem {
    let detail = format!("{upstream} refuses the gateway: an operator must mend that");
    Problem::new(StatusCode::BAD_GATEWAY, "gateway-refused", detail)
}

fn broken(upstream: Upstream, error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::warn!(%upstream, error, "the answer of a service behind the gateway is broken: the caller gets a 502");
    let detail = format!("the answer of {upstream} is incomplete: try again");
    Problem::new(StatusCode::BAD_GATEWAY, "upstream-broken", detail).retry_after(TRY_AGAIN_SECONDS)
}
