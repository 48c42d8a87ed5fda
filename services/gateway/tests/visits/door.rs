//! A gateway in memory, with a stand-in for all services behind it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use gateway::tokens::KeySource;
use shop_in_memory::GatewayInMemory;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// What browsers accept.
pub const PAGE: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

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
        let GatewayInMemory { app, token, .. } = GatewayInMemory::start(behind, token_keys, &[]).await;
        Self { app, token }
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
