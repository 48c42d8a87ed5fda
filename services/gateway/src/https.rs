//! Requests to hosts outside: the issuer of tokens. The services behind the gateway are asked by `upstreams`.

use std::time::Duration;

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use tower::BoxError;

/// How long a response may take.
const FETCH_TIME_MAX: Duration = Duration::from_secs(5);
/// The largest response, in bytes: a key set or a token has some kilobytes.
const FETCH_BYTES_MAX: usize = 1024 * 1024;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address can't be read, the host can't be reached, or its response is incomplete or too large.
    #[error(transparent)]
    Failed(#[from] BoxError),
    /// There was no response in time.
    #[error("there was no response within {FETCH_TIME_MAX:?}")]
    TimeOut,
    /// The response is no success.
    #[error("the response is a {0}")]
    Status(StatusCode),
}

/// A client of `https://` and `http://`, which trusts the certificates that the system trusts. A clone is the same.
#[derive(Clone)]
pub struct HttpsClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl HttpsClient {
    /// Returns a client.
    ///
    /// # Errors
    /// The system's certificates can't be read.
    pub fn new() -> Result<Self, std::io::Error> {
        let builder = HttpsConnectorBuilder::new().with_native_roots()?;
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Sends a request, and returns the status and the body of the response.
    ///
    /// # Errors
    /// There is no response, or it is larger than 1 MiB.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), FetchError> {
        let fetch = async {
            let (parts, body) = self.0.request(request).await.map_err(BoxError::from)?.into_parts();
            Ok((parts.status, Limited::new(body, FETCH_BYTES_MAX).collect().await?.to_bytes()))
        };
        timeout(FETCH_TIME_MAX, fetch).await.unwrap_or(Err(FetchError::TimeOut))
    }

    /// Returns what is at an address.
    ///
    /// # Errors
    /// There is no response, it is larger than 1 MiB, or no success.
    pub async fn get(&self, url: &str) -> Result<Bytes, FetchError> {
        let request = Request::get(url).body(Full::default()).map_err(BoxError::from)?;
        let (status, body) = self.send(request).await?;
        if status.is_success() { Ok(body) } else { Err(FetchError::Status(status)) }
    }
}
