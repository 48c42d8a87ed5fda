//! The seam to the message stream, against a real nats-server and in memory: what holds for both, what only a real
//! server can do to us, and how it is provisioned.

#![allow(clippy::unwrap_used, reason = "tests")]

mod conformance;
mod memory;
mod once;
mod provisioning;
mod server;
mod setup;

use std::{future::Future, time::Duration};

use choreography::{
    Envelope,
    bus::{BusError, Connection, Deliveries, Delivery},
};

/// How long anything that must happen may take: far more than it does.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must happen.
pub(crate) async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happens).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Asks again until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    soon(what, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

pub(crate) fn envelope(subject: &str, payload: &str) -> Envelope {
    let headers = [("ce-id", payload), ("traceparent", "00-1-2-01")].into();
    Envelope { subject: subject.into(), headers, payload: payload.to_owned().into() }
}

/// Publishes and waits for the acknowledgement.
pub(crate) async fn say(connection: &dyn Connection, subject: &str, payload: &str) -> Result<u64, BusError> {
    soon("an acknowledgement", connection.publish(&envelope(subject, payload)).await?).await
}

/// The next `count` messages of a pull.
pub(crate) async fn hear(pull: &mut dyn Deliveries, count: usize) -> Vec<Delivery> {
    let mut incoming = Vec::new();
    while incoming.len() < count {
        incoming.extend(soon("a delivery", pull.next(count - incoming.len())).await.unwrap());
    }
    incoming
}

pub(crate) fn payloads(incoming: &[Delivery]) -> Vec<&str> {
    incoming.iter().map(|delivery| std::str::from_utf8(&delivery.envelope.payload).unwrap()).collect()
}
