//! The bus in memory and with a real nats-server: what both must do, what only a real server does, and how it is
//! provisioned.

#![allow(clippy::unwrap_used, reason = "tests")]

mod conformance;
mod losses;
mod memory;
mod once;
mod progress;
mod provisioning;
mod server;
mod setup;
mod unreadable;

use std::future::Future;
use std::time::Duration;

use choreography::Envelope;
use choreography::bus::{BusError, Connection, Deliveries, Delivery};

/// How long anything that must happen may take: far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
pub(crate) async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happens).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Waits until a condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    soon(what, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

pub(crate) fn envelope(subject: &str, payload: &str) -> Envelope {
    let headers = [("ce-id", payload), ("traceparent", "00-1-2-01")].into();
    Envelope { subject: subject.into(), headers, payload: payload.to_owned().into() }
}

/// Publishes a message. Returns its acknowledgement.
pub(crate) async fn publish(connection: &dyn Connection, subject: &str, payload: &str) -> Result<u64, BusError> {
    soon("an acknowledgement", connection.publish(&envelope(subject, payload)).await?).await
}

/// Returns the next `count` messages of a pull.
pub(crate) async fn receive(pull: &mut dyn Deliveries, count: usize) -> Vec<Delivery> {
    let mut incoming = Vec::new();
    while incoming.len() < count {
        incoming.extend(soon("a delivery", pull.next(count - incoming.len())).await.unwrap());
    }
    incoming
}

pub(crate) fn payloads(incoming: &[Delivery]) -> Vec<&str> {
    incoming.iter().map(|delivery| std::str::from_utf8(&delivery.envelope.payload).unwrap()).collect()
}
