//! When orders end: matches the `order-updated` messages with the clients that wait for their orders.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use futures::StreamExt;
use serde::Deserialize;
use tokio::sync::oneshot;
use uuid::Uuid;

/// The end of an order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    /// When the message arrived.
    pub(crate) at: Instant,
    /// Whether it was completed; otherwise it was cancelled.
    pub(crate) completed: bool,
}

enum Waiting {
    /// A client waits for the end.
    For(oneshot::Sender<End>),
    /// The end came before the response to the request.
    Already(End),
}

/// The ends of all orders.
#[derive(Clone, Default)]
pub(crate) struct Ends(Arc<Mutex<HashMap<Uuid, Waiting>>>);

/// The part of `order-updated` that is read.
#[derive(Deserialize)]
struct OrderUpdated<'a> {
    status: &'a str,
}

impl Ends {
    /// Subscribes to the ends of orders from now on.
    pub(crate) async fn subscribe(client: &async_nats::Client) -> Result<Self> {
        let mut messages =
            client.subscribe("order.order-updated.*").await.context("subscribing to the order service")?;
        client.flush().await?;
        let ends = Self::default();
        let receiving = ends.clone();
        tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                receiving.receive(&message);
            }
        });
        Ok(ends)
    }

    fn receive(&self, message: &async_nats::Message) {
        let Ok(OrderUpdated { status }) = serde_json::from_slice(&message.payload) else { return };
        let completed = status == "completed";
        let Some(id) = message.subject.rsplit('.').next().and_then(|key| key.parse::<Uuid>().ok()) else { return };
        if !completed && status != "cancelled" {
            return;
        }
        let end = End { at: Instant::now(), completed };
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.remove(&id) {
            Some(Waiting::For(sender)) => drop(sender.send(end)),
            Some(already @ Waiting::Already(_)) => drop(waiting.insert(id, already)),
            None => drop(waiting.insert(id, Waiting::Already(end))),
        }
    }

    /// Waits for the end of an order.
    pub(crate) async fn wait(&self, id: Uuid) -> Result<End> {
        let receiver = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Waiting::Already(end)) = waiting.remove(&id) {
                return Ok(end);
            }
            let (sender, receiver) = oneshot::channel();
            waiting.insert(id, Waiting::For(sender));
            receiver
        };
        receiver.await.context("the subscription has ended")
    }
}
