//! A lean HTTP client: one connection, one request at a time, reads only what it needs.

use std::sync::Arc;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use uuid::Uuid;

/// Where orders are placed, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// Host and port of the service.
    pub(crate) authority: String,
    /// The path of its orders.
    pub(crate) path: &'static str,
    /// The header with the caller's token, if the service wants one.
    pub(crate) authorization: Option<String>,
}

/// A connection to one service.
pub(crate) struct Client {
    door: Arc<Door>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// The part of an order that is read.
#[derive(Deserialize)]
struct Placed {
    id: Uuid,
}

impl Client {
    /// Returns a client that connects with its first request.
    pub(crate) fn new(door: Arc<Door>) -> Self {
        Self { door, sender: None }
    }

    /// Places an order and returns its id, or nothing when the shop accepts no orders at the moment (503).
    pub(crate) async fn place(&mut self, body: String) -> Result<Option<Uuid>> {
        let request = Request::post(self.door.path)
            .header("host", &self.door.authority)
            .header("content-type", "application/json")
            .header("idempotency-key", Uuid::now_v7().to_string());
        let request = match &self.door.authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        };
        let request = request.body(Full::new(Bytes::from(body)))?;
        let response = self.sender().await?.send_request(request).await.context("placing an order")?;
        let status = response.status();
        let body = response.into_body().collect().await.context("reading the response")?.to_bytes();
        match status {
            StatusCode::CREATED | StatusCode::ACCEPTED => {
                Ok(Some(serde_json::from_slice::<Placed>(&body).context("reading the order")?.id))
            }
            StatusCode::SERVICE_UNAVAILABLE => Ok(None),
            status => anyhow::bail!("the order is refused: {status} {}", String::from_utf8_lossy(&body)),
        }
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(&self.door.authority).await.context("connecting to the shop")?;
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
