//! How many requests a customer, and an address, may send. Each instance of the gateway counts for itself.
//!
//! What must hold: nobody can make the gateway verify signatures without bound, so a request is counted for its address
//! before it is known whose it is.
//!
//! tower_governor counts. Its headers are sent as the IETF's draft-ietf-httpapi-ratelimit-headers-11 has them.

mod client_address;
mod headers;
mod settings;

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::middleware::map_response;
use axum::response::IntoResponse;
use choreography_axum::Problem;
use contracts::CustomerId;
use governor::middleware::StateInformationMiddleware;
use tokio::time::sleep;
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

pub use client_address::{ClientAddress, InvalidNetwork, Network};
use headers::Policy;
pub use settings::LimitSettings;

use crate::identity::Caller;

/// How often the counts of those who have sent nothing for a while are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// Whose requests are counted together: a customer's, or those of an address without a customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    Customer(CustomerId),
    Address(IpAddr),
}

/// Counts the requests of each customer; without a valid token, of each address.
#[derive(Debug, Clone)]
struct ByCustomer(ClientAddress);

/// Counts the requests of each address.
#[derive(Debug, Clone)]
struct ByAddress(ClientAddress);

impl KeyExtractor for ByCustomer {
    type Key = Counted;

    fn extract<T>(&self, request: &Request<T>) -> Result<Counted, GovernorError> {
        let caller = request.extensions().get::<Caller>().and_then(Caller::identity);
        Ok(match caller {
            Some(identity) => Counted::Customer(identity.customer_id),
            None => Counted::Address(self.0.network_of(request)),
        })
    }
}

impl KeyExtractor for ByAddress {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        Ok(self.0.network_of(request))
    }
}

/// Adds the limits around routes. `identified` adds what finds out whose requests they are, see
/// [`crate::identity::identify`].
pub(crate) fn limited(routes: Router, settings: &LimitSettings, identified: impl FnOnce(Router) -> Router) -> Router {
    let addresses = ClientAddress::new(settings.trusted_proxies.clone());
    let by_customer = Policy { name: "customer", rate: settings.customer_rate, burst: settings.customer_burst };
    let by_address = Policy { name: "address", rate: settings.address_rate, burst: settings.address_burst };
    let routes = counted(routes, by_customer, ByCustomer(addresses.clone()));
    counted(identified(routes), by_address, ByAddress(addresses))
}

fn counted<K>(routes: Router, policy: Policy, key: K) -> Router
where
    K: KeyExtractor + Send + Sync + 'static,
    K::Key: Send + Sync + 'static,
{
    let mut builder = GovernorConfigBuilder::default();
    let mut builder = builder.key_extractor(key);
    let mut builder = builder.use_headers();
    builder.period(Duration::from_secs(1) / policy.rate).burst_size(policy.burst);
    let config = builder.finish().expect("rates and bursts are at least one");
    forget_regularly(&config);
    let layer = GovernorLayer::new(config).error_handler(too_many);
    routes.layer(layer).layer(map_response(move |response| async move { headers::renamed(response, policy) }))
}

fn forget_regularly<K: KeyExtractor<Key: Send + Sync + 'static>>(
    config: &GovernorConfig<K, StateInformationMiddleware>,
) {
    let counts = std::sync::Arc::downgrade(config.limiter());
    tokio::spawn(async move {
        loop {
            sleep(FORGET_INTERVAL).await;
            let Some(counts) = counts.upgrade() else { return };
            counts.retain_recent();
        }
    });
}

fn too_many(error: GovernorError) -> Response<Body> {
    let GovernorError::TooManyRequests { wait_time, headers } = error else {
        return Problem::new(StatusCode::BAD_REQUEST, "caller-unknown", "the caller's address is unknown")
            .into_response();
    };
    // tower_governor rounds down, and whoever comes back too early is refused again.
    let seconds = u32::try_from(wait_time).unwrap_or(u32::MAX).saturating_add(1);
    let detail = format!("too many requests: try again in {seconds} s");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).retry_after(seconds);
    let mut response = problem.into_response();
    let mut known: HeaderMap = headers.unwrap_or_default();
    known.remove("retry-after");
    response.headers_mut().extend(known);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Role};
    use axum::extract::ConnectInfo;
    use axum::middleware::map_request;
    use axum::routing::get;
    use std::future::ready;
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tower::ServiceExt;
    use uuid::Uuid;

    /// An hour's rate would never be reached within a test: one request a second is the lowest, and a burst is at once.
    const SETTINGS: LimitSettings = LimitSettings {
        customer_rate: 1,
        customer_burst: 2,
        address_rate: 1,
        address_burst: 5,
        trusted_proxies: Vec::new(),
    };

    async fn call(app: &Router, customer: Option<u128>, address: &str) -> Response<Body> {
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.parse().unwrap(), 1)));
        if let Some(customer) = customer {
            let identity = Identity { customer_id: Uuid::from_u128(customer).into(), role: Role::Customer };
            request.extensions_mut().insert(Caller::Bearer(identity));
        }
        app.clone().oneshot(request).await.unwrap()
    }

    fn fields(response: &Response<Body>, name: &str) -> Vec<String> {
        response.headers().get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[tokio::test]
    async fn a_customer_who_sends_too_much_is_refused_and_told_when_to_come_back() {
        let app = limited(Router::new().route("/", get(async || "well")), &SETTINGS, |routes| routes);
        let first = call(&app, Some(1), "192.0.2.1").await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(fields(&first, "ratelimit"), ["\"customer\";r=1;t=1", "\"address\";r=4;t=1"]);
        assert_eq!(fields(&first, "ratelimit-policy"), ["\"customer\";q=2;w=2", "\"address\";q=5;w=5"]);
        assert!(first.headers().keys().all(|name| !name.as_str().starts_with("x-ratelimit")));
        assert_eq!(call(&app, Some(1), "192.0.2.1").await.status(), StatusCode::OK);
        let refused = call(&app, Some(1), "192.0.2.1").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        assert_eq!(fields(&refused, "ratelimit")[0], "\"customer\";r=0;t=2");
        assert_eq!(fields(&refused, "retry-after"), ["1"]);
        assert_eq!(call(&app, Some(2), "192.0.2.1").await.status(), StatusCode::OK, "another customer");
    }

    #[tokio::test]
    async fn an_address_is_counted_whatever_customers_it_claims() {
        let app = limited(Router::new().route("/", get(async || "well")), &SETTINGS, |routes| routes);
        for customer in 1..=5 {
            assert_eq!(call(&app, Some(customer), "192.0.2.1").await.status(), StatusCode::OK);
        }
        let refused = call(&app, Some(6), "192.0.2.1").await;
        assert_eq!(
            (refused.status(), fields(&refused, "ratelimit")),
            (StatusCode::TOO_MANY_REQUESTS, vec!["\"address\";r=0;t=5".to_owned()])
        );
        assert_eq!(call(&app, None, "192.0.2.2").await.status(), StatusCode::OK, "another address");
    }

    #[tokio::test]
    async fn an_address_that_is_refused_has_no_more_tokens_verified() {
        let count = Arc::new(AtomicU32::new(0));
        let verified = count.clone();
        let identify = move |request: Request<Body>| {
            verified.fetch_add(1, Ordering::Relaxed);
            ready(request)
        };
        let routes = Router::new().route("/", get(async || "well"));
        let app = limited(routes, &SETTINGS, |routes| routes.layer(map_request(identify)));
        for customer in 1..=20 {
            call(&app, Some(customer), "192.0.2.1").await;
        }
        let burst = SETTINGS.address_burst;
        let verified = count.load(Ordering::Relaxed);
        assert!((burst..burst + 2).contains(&verified), "{verified}");
    }
}
