//! What the services do with the messages.

use std::collections::BTreeMap;

use serde_json::{Map as Object, Value, json};

use super::super::messages::{MapMessage, Publisher, Subscriber};
use super::{channel_key, message_key};

/// Returns every operation of every service, with its name.
pub(super) fn all(messages: &BTreeMap<&'static str, MapMessage>) -> Object<String, Value> {
    let mut operations = Object::new();
    for (name, message) in messages {
        for (service, publisher) in &message.publishers {
            operations.insert(format!("{service}.send.{name}"), send(service, name, publisher));
            for (subscriber, how) in &message.subscribers {
                let key = format!("{subscriber}.receive.{service}.{name}");
                operations.insert(key, receive(subscriber, name, (service, publisher), how));
            }
        }
    }
    operations
}

fn send(service: &str, message: &str, publisher: &Publisher) -> Value {
    let summary = format!("{service} publishes {message}");
    let mut operation = operation("send", service, summary, message, (service, publisher));
    operation["x-published-by"] = json!(publisher.published_by);
    operation["x-scheduled"] = publisher.scheduled.into();
    operation
}

fn receive(service: &str, message: &str, from: (&str, &Publisher), how: &Subscriber) -> Value {
    let summary = format!("{service} receives {message} from {}", from.0);
    let mut operation = operation("receive", service, summary, message, from);
    operation["x-received-by"] = json!(how.received_by);
    operation["x-versions"] = json!(how.versions);
    operation["x-has-fallback"] = how.has_fallback.into();
    operation
}

fn operation(action: &str, service: &str, summary: String, message: &str, (from, how): (&str, &Publisher)) -> Value {
    let channel = format!("#/channels/{}", channel_key(from, message));
    let messages = how.versions.iter().map(|version| {
        let key = message_key(message, *version);
        json!({ "$ref": format!("{channel}/messages/{key}") })
    });
    json!({
        "action": action,
        "summary": summary,
        "channel": { "$ref": channel },
        "messages": messages.collect::<Vec<_>>(),
        "tags": [{ "name": service }],
        "x-service": service,
    })
}
