//! A lean HTTP client: one connection, one request at a time, reads only what it needs.

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use uuid::Uuid;

/// A connection to one service.
pub(crate) struct Client {
    authority: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// The part of an order that is read.
#[derive(Deserialize)]
struct Placed {
    id: Uuid,
}

impl Client {
    /// Returns a client that connects with its first request.
    pub(crate) fn new(authority: &str) -> Self {
        Self { authority: authority.to_owned(), sender: None }
    }

    /// Places an order and returns its id, or nothing when the shop accepts no orders at the moment (503).
    pub(crate) async fn place(&mut self, body: String) -> Result<Option<Uuid>> {
        let request = Request::post("/orders")
            .header("host", &self.authority)
            .header("content-type", "application/json")
            .header("idempotency-key", Uuid::now_v7().to_string())
            .body(Full::new(Bytes::from(body)))?;
        let response = self.sender().await?.send_request(request).await.context("placing an order")?;
        let status = response.status();
        let body = response.into_body().collect().await.context("reading the response")?.to_bytes();
        match status {
            StatusCode::CREATED => Ok(Some(serde_json::from_slice::<Placed>(&body).context("reading the order")?.id)),
            StatusCode::SERVICE_UNAVAILABLE => Ok(None),
            status => anyhow::bail!("the order is refused: {status} {}", String::from_utf8_lossy(&body)),
        }
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(&self.authority).await.context("connecting to the order service")?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        let sender = self.sender.as_mut().context("it was connected above")?;
        sender.ready().await?;
        Ok(sender)
    }
}
