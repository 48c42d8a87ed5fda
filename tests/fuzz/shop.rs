//! The services of the shop, as targets run them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use choreography::{Choreography, Envelope, Heading, Map};
use contracts::NAMESPACE;
use lettre::transport::stub::AsyncStubTransport;
use payment::settings::Patience;
use serde_json::Value;
use shop_in_memory::releases;
use uuid::Uuid;

/// When everything begins.
pub(crate) const BEGINNING: &str = "2026-01-01T00:00:00Z";
/// The trace of the examples.
pub(crate) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Returns the services that receive messages.
pub(crate) fn services() -> [Choreography; 7] {
    shop_in_memory::services(Patience::default(), &AsyncStubTransport::new_ok())
}

/// Returns one of the services.
///
/// # Panics
/// When there is none of this name.
pub(crate) fn service(name: &str) -> Choreography {
    services().into_iter().find(|service| service.service() == name).expect("a service of the shop")
}

/// Returns what a service receives: `<publisher>.<message>`.
pub(crate) fn received_by(service: &str) -> Vec<String> {
    static MAP: OnceLock<Map> = OnceLock::new();
    MAP.get_or_init(|| Map::of(&services())).received_by(service)
}

/// Returns examples of the messages that a service receives, of every release.
pub(crate) fn messages_for(service: &str) -> Vec<Envelope> {
    let mut kinds: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (kind, payloads) in releases().into_values().flat_map(|release| release.messages) {
        kinds.entry(kind).or_default().extend(payloads);
    }
    let received = received_by(service);
    let sources = received.iter().filter_map(|subject| subject.split_once('.'));
    sources
        .flat_map(|(publisher, message)| {
            let of_name = kinds.iter().filter(move |(kind, _)| kind.split('.').next() == Some(message));
            of_name.flat_map(move |(kind, payloads)| {
                payloads.iter().map(move |payload| published(publisher, message, kind, payload))
            })
        })
        .collect()
}

/// Returns a message as its publisher publishes it, without numbers.
fn published(publisher: &str, message: &str, kind: &str, payload: &Value) -> Envelope {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, payload.to_string().as_bytes());
    let key = payload["order_id"].as_str().expect("every message is about an order");
    let heading = Heading {
        id,
        source: publisher,
        kind: &format!("{NAMESPACE}.{kind}"),
        time: BEGINNING.parse().expect("a moment"),
        subject: key,
        correlation: key,
        causation: &id.to_string(),
        expiry: None,
        trace: TRACE,
    };
    heading.envelope(message, payload.to_string())
}
