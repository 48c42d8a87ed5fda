//! What the page shows of an AsyncAPI document.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

/// An AsyncAPI document.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    operations: BTreeMap<String, Operation>,
    pub components: Components,
}

#[derive(Debug, Deserialize)]
pub(super) struct Components {
    pub messages: BTreeMap<String, Message>,
    pub schemas: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub name: String,
    pub summary: String,
    pub payload: Reference,
    #[serde(rename = "x-role")]
    pub role: String,
    #[serde(rename = "x-version")]
    pub version: u32,
    #[serde(rename = "x-scheduled")]
    pub is_scheduled: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    #[serde(rename = "$ref")]
    target: String,
}

/// What a service does with a message.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    action: String,
    channel: Reference,
    #[serde(rename = "x-service")]
    pub service: String,
    #[serde(rename = "x-published-by", default)]
    pub published_by: Vec<String>,
    #[serde(rename = "x-received-by", default)]
    pub received_by: BTreeSet<String>,
    #[serde(rename = "x-has-fallback", default)]
    pub has_fallback: bool,
}

impl Document {
    /// Returns what the page shows of this text.
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str(text).expect("the document has what the page shows")
    }

    /// Returns the services that publish or receive something.
    pub(super) fn services(&self) -> BTreeSet<&str> {
        self.operations.values().map(|operation| operation.service.as_str()).collect()
    }

    /// Returns the names of the messages that a service publishes.
    pub(super) fn published_by(&self, service: &str) -> BTreeSet<&str> {
        self.names(service, "send")
    }

    /// Returns the names of the messages that a service receives.
    pub(super) fn received_by(&self, service: &str) -> BTreeSet<&str> {
        self.names(service, "receive")
    }

    fn names(&self, service: &str, action: &str) -> BTreeSet<&str> {
        let operations = self.operations.values().filter(|operation| operation.service == service);
        operations.filter(|operation| operation.action == action).map(|operation| operation.subject().1).collect()
    }

    /// Returns how services publish a message.
    pub(super) fn publishers(&self, message: &str) -> Vec<&Operation> {
        let operations = self.operations.values().filter(|operation| operation.action == "send");
        operations.filter(|operation| operation.subject().1 == message).collect()
    }

    /// Returns how services receive a message, each service once.
    pub(super) fn subscribers(&self, message: &str) -> Vec<&Operation> {
        let operations = self.operations.values().filter(|operation| operation.action == "receive");
        let operations = operations.filter(|operation| operation.subject().1 == message);
        let by_service: BTreeMap<_, _> = operations.map(|operation| (&operation.service, operation)).collect();
        by_service.into_values().collect()
    }
}

impl Operation {
    /// Returns the publisher and the message.
    fn subject(&self) -> (&str, &str) {
        self.channel.last().split_once('.').unwrap_or_default()
    }
}

impl Reference {
    /// Returns the name of what it refers to.
    pub(super) fn last(&self) -> &str {
        self.target.rsplit('/').next().unwrap_or_default()
    }
}
