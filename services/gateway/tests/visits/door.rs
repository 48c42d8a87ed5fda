//! A gateway in memory, with a stand-in for all services behind it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use choreography::{Clock, Service};
use choreography_axum::{Stopping, router};
use clap::Parser;
use gateway::gateway::Gateway;
use gateway::identity::{Identity, Role};
use gateway::pages::{ProductNames, with_error_pages};
use gateway::settings::Settings;
use gateway::tokens::{KeySource, TokenSettings, Tokens};
use gateway::upstreams::Upstreams;
use tokio::net::TcpListener;
use tower::ServiceExt;

pub const CUSTOMER: &str = "0198c0de-0000-7000-8000-000000000001";
/// What browsers accept.
pub const PAGE: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// The flags that every service needs.
const FLAGS: [&str; 5] =
    ["gateway", "--listen=127.0.0.1:1", "--nats-user=a", "--nats-password=b", "--database-url=sqlite://a"];

/// The development key as the key of an issuer.
const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "development",
    "x": "0WPriwO_EB6ESv2aAknbpQU3e1OKQRGOf9CriqDEKtI"}]}"#;

/// A gateway, of a laptop unless it has an issuer.
pub struct Door {
    app: Router,
    /// A customer's token.
    pub token: String,
}

/// A response with its body.
#[derive(Debug)]
pub struct Seen {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Door {
    /// Opens a gateway of a laptop, whose services respond as `behind` does.
    pub async fn open(behind: Router) -> Self {
        Self::open_with(behind, None).await
    }

    /// Opens a gateway whose tokens are an issuer's, as in production.
    pub async fn with_issuer() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let keys = directory.path().join("keys.json");
        std::fs::write(&keys, KEYS).unwrap();
        Self::open_with(Router::new(), Some(KeySource::File(keys))).await
    }

    /// Opens a gateway whose issuer has never responded.
    pub async fn without_keys() -> Self {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let keys = format!("http://{}/keys", gone.local_addr().unwrap());
        drop(gone);
        Self::open_with(Router::new(), Some(KeySource::Url(keys))).await
    }

    async fn open_with(behind: Router, token_keys: Option<KeySource>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, behind).await });
        let services = ["order", "payment", "delivery", "notify", "inventory", "wallet", "customer"];
        let urls = services.map(|service| format!("--{service}-url={url}"));
        let settings = Settings::parse_from(FLAGS.map(str::to_owned).into_iter().chain(urls));
        let identity = Identity { customer_id: CUSTOMER.parse().unwrap(), role: Role::Customer };
        let of_laptop = Tokens::start(settings.tokens.clone()).await.unwrap();
        let token = of_laptop.issue(identity, Clock::system().now()).unwrap();
        let tokens = Tokens::start(TokenSettings { token_keys, ..settings.tokens }).await.unwrap();
        let service = Service::builder(gateway::choreography()).memory().start().await.unwrap();
        let upstreams = Upstreams::new(&settings.upstreams, Clock::system());
        let gateway = Gateway {
            service: service.clone(),
            upstreams,
            tokens,
            issuer: None,
            product_names: ProductNames::default(),
            demo: true,
        };
        let app = router(service, gateway::routes(gateway, &settings.limits), Stopping::default());
        Self { app: settings.door.around(with_error_pages(app)), token }
    }

    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Seen {
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Seen { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// Asks for a page as the browser of a customer who has signed in.
    pub async fn page(&self, path: &str) -> Seen {
        self.page_with("session", path).await
    }

    /// Asks for a page as a browser with a customer's token in a cookie of this name.
    pub async fn page_with(&self, cookie: &str, path: &str) -> Seen {
        let request = Request::get(path).header("accept", PAGE).header("cookie", format!("{cookie}={}", self.token));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Asks for something of the API as a customer's program.
    pub async fn get(&self, path: &str) -> Seen {
        let request = Request::get(path).header("authorization", format!("Bearer {}", self.token));
        self.send(request.body(Body::empty()).unwrap()).await
    }
}
