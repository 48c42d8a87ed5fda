//! One instance of a service: sends requests to it, and takes it out for a while after it failed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::{Response, Uri};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Sleep, sleep, timeout};
use tower::Service;

use super::retry::Repeatable;
use super::{BaseUrl, UpstreamRequest};

/// How long a connection may take to be made.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);
/// How long a try of a request that may be sent again may take.
const TRY_TIME_MAX: Duration = Duration::from_secs(3);
/// How long the only try of a request may take.
const ONLY_TRY_TIME_MAX: Duration = Duration::from_secs(9);
/// How long an instance is out after it failed: the others take its requests meanwhile.
const OUT_TIME: Duration = Duration::from_secs(1);
/// How long an unused connection is kept: less than the 10 seconds that a service waits for the next request.
const IDLE_TIME_MAX: Duration = Duration::from_secs(5);

pub(super) type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// Returns the client of all instances, which keeps connections.
pub(super) fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
    connector.set_nodelay(true);
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_TIME_MAX).build(connector)
}

/// Why a try failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TryFailed {
    /// The connection can't be made, or broke.
    #[error("{0} can't be reached")]
    Unreachable(BaseUrl, #[source] hyper_util::client::legacy::Error),
    /// There was no response in time.
    #[error("{0} did not respond within {1:?}")]
    TimeOut(BaseUrl, Duration),
}

impl TryFailed {
    /// Whether nothing of the request was sent, as there was no connection: it is safe to try any request again.
    pub(super) fn was_not_sent(&self) -> bool {
        matches!(self, Self::Unreachable(_, error) if error.is_connect())
    }
}

/// An instance of a service. It is not ready while it is out, unless it is the only one.
pub(super) struct Instance {
    client: HttpClient,
    base: BaseUrl,
    alone: bool,
    failed: Arc<AtomicBool>,
    out: Option<Pin<Box<Sleep>>>,
}

impl Instance {
    pub(super) fn new(client: HttpClient, base: BaseUrl, alone: bool) -> Self {
        Self { client, base, alone, failed: Arc::default(), out: None }
    }
}

impl Service<UpstreamRequest> for Instance {
    type Response = Response<Incoming>;
    type Error = TryFailed;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, TryFailed>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TryFailed>> {
        if self.failed.swap(false, Ordering::Relaxed) && !self.alone && self.out.is_none() {
            tracing::warn!(instance = %self.base, "an instance failed: it is out for {OUT_TIME:?}");
            self.out = Some(Box::pin(sleep(OUT_TIME)));
        }
        if let Some(out) = &mut self.out {
            ready!(out.as_mut().poll(context));
            self.out = None;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: UpstreamRequest) -> Self::Future {
        let (base, failed) = (self.base.clone(), self.failed.clone());
        let is_repeatable = request.extensions().get::<Repeatable>().is_some();
        let limit = if is_repeatable { TRY_TIME_MAX } else { ONLY_TRY_TIME_MAX };
        *request.uri_mut() = at(&base, request.uri());
        let response = self.client.request(request);
        Box::pin(async move {
            let response = match timeout(limit, response).await {
                Ok(response) => response.map_err(|error| TryFailed::Unreachable(base, error)),
                Err(_) => Err(TryFailed::TimeOut(base, limit)),
            };
            if response.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            response
        })
    }
}

/// Returns a path and query at an instance.
fn at(base: &BaseUrl, uri: &Uri) -> Uri {
    let path_and_query = uri.path_and_query().map_or("/", |path_and_query| path_and_query.as_str());
    let uri = Uri::builder().scheme("http").authority(base.authority().clone()).path_and_query(path_and_query).build();
    uri.expect("an authority and a path that were parsed make an address")
}
