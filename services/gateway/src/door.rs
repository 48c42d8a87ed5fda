//! What is around everything that the gateway serves: headers that protect browsers, origins of other sites, and what is
//! only for the inside.
//!
//! What must hold: metrics, circuits and readiness are for supervisors beside the gateway, not for the public.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use choreography_axum::Problem;
use clap::Args;
use tower_http::cors::CorsLayer;
use tower_http::set_header::SetResponseHeaderLayer;

/// What every response says, unless it says otherwise itself, as the pages do. (Browsers ignore `strict-transport-security`
/// over http.)
const HEADERS: [(HeaderName, HeaderValue); 9] = [
    // A cookie alone is enough to look, so a cache would keep what only its owner may see.
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
];
/// What is only for the inside.
const INSIDE: [&str; 3] = ["/metrics", "/circuits", "/readyz"];
/// What a site of another origin may send.
const CORS_METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::PATCH];
const CORS_REQUEST_HEADERS: [HeaderName; 5] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("prefer"),
];
/// What a site of another origin may read.
const CORS_RESPONSE_HEADERS: [HeaderName; 5] = [
    LOCATION,
    RETRY_AFTER,
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("preference-applied"),
];

/// What is around everything.
#[derive(Debug, Clone, Args)]
pub struct DoorSettings {
    /// The origins of other sites whose pages may use the API, as `https://www.example.com`; none without it
    #[arg(long, env = "CORS_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<HeaderValue>,
}

/// Reads an origin as browsers write it: another spelling would allow nothing.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let is_origin = |uri: Uri| match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(authority)) => {
            !authority.as_str().contains('@') && text == format!("{scheme}://{authority}").to_ascii_lowercase()
        }
        _ => false,
    };
    match text.parse::<Uri>().is_ok_and(is_origin) {
        true => HeaderValue::from_str(text).map_err(|error| error.to_string()),
        false => Err("write each site as its origin, such as https://www.example.com".to_owned()),
    }
}

impl DoorSettings {
    /// Adds everything around what is served.
    pub fn around(&self, app: Router) -> Router {
        let mut app = app.layer(from_fn(inside));
        if !self.cors_origins.is_empty() {
            let cors = CorsLayer::new().allow_origin(self.cors_origins.clone()).allow_methods(CORS_METHODS);
            app = app.layer(cors.allow_headers(CORS_REQUEST_HEADERS).expose_headers(CORS_RESPONSE_HEADERS));
        }
        HEADERS
            .into_iter()
            .fold(app, |app, (name, value)| app.layer(SetResponseHeaderLayer::if_not_present(name, value)))
    }
}

/// Refuses the public what is only for the inside: whoever is not beside the gateway, or comes by a proxy.
async fn inside(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if INSIDE.contains(&path) && !is_inside(&request) {
        return Problem::not_found(format!("there is nothing at {path}")).into_response();
    }
    next.run(request).await
}

fn is_inside(request: &Request) -> bool {
    let headers = request.headers();
    let by_proxy = ["x-forwarded-for", "forwarded", "via"].iter().any(|name| headers.contains_key(*name));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_near = peer.is_none_or(|peer| match peer.0.ip().to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    });
    is_near && !by_proxy
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    async fn call(path: &str, peer: &str, forwarded: Option<&str>, origins: &[&str]) -> Response {
        let app = Router::new().route("/metrics", get(async || "numbers")).route("/api/products", get(async || "[]"));
        let app = app.route("/assets/icon", get(async || ([(CACHE_CONTROL, "public, max-age=60")], "an icon")));
        let cors_origins = origins.iter().map(|text| origin(text).unwrap()).collect();
        let mut request = Request::get(path).header("origin", "https://www.example.com");
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        DoorSettings { cors_origins }.around(app).oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn metrics_are_for_the_inside_only() {
        for (peer, forwarded, status) in [
            ("127.0.0.1", None, 200),
            ("10.1.2.3", None, 200),
            ("::1", None, 200),
            ("192.0.2.1", None, 404),
            ("127.0.0.1", Some("192.0.2.1"), 404),
        ] {
            assert_eq!(call("/metrics", peer, forwarded, &[]).await.status(), status, "{peer} {forwarded:?}");
        }
        assert_eq!(call("/api/products", "192.0.2.1", None, &[]).await.status(), 200);
    }

    #[tokio::test]
    async fn every_response_protects_browsers_also_one_of_an_error() {
        for path in ["/api/products", "/nowhere", "/metrics"] {
            let response = call(path, "192.0.2.1", None, &[]).await;
            for (name, value) in HEADERS {
                assert_eq!(response.headers()[&name], value, "{path}");
            }
        }
    }

    #[tokio::test]
    async fn a_response_that_may_be_kept_says_so_itself() {
        let response = call("/assets/icon", "192.0.2.1", None, &[]).await;
        let values: Vec<_> = response.headers().get_all(CACHE_CONTROL).iter().collect();
        assert_eq!(values, ["public, max-age=60"]);
    }

    #[tokio::test]
    async fn other_origins_are_allowed_only_if_configured() {
        let allowed = async |origins: &[&str]| {
            let response = call("/api/products", "192.0.2.1", None, origins).await;
            response.headers().get("access-control-allow-origin").cloned()
        };
        assert_eq!(allowed(&[]).await, None);
        assert_eq!(allowed(&["https://other.example.com"]).await, None);
        assert_eq!(allowed(&["https://www.example.com"]).await.unwrap(), "https://www.example.com");
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in ["https://www.example.com", "http://localhost:8080", "https://192.0.2.1"] {
            assert_eq!(origin(text).unwrap(), text);
        }
        for text in ["*", "", "x", "null", "www.example.com", "https://www.example.com/", "https://WWW.example.com"] {
            assert!(origin(text).is_err(), "{text}");
        }
        for text in ["https://a@www.example.com", "ftp://www.example.com", "https://*.example.com\n"] {
            assert!(origin(text).is_err(), "{text}");
        }
    }
}
