//! The messages, and the schemas of what is in them.

use std::collections::BTreeMap;

use serde_json::{Map as Object, Value, json};

use super::super::Map;
use super::super::messages::MapMessage;
use super::{AmbiguousSchema, headers, message_key};
use crate::declare::payload::PayloadType;
use crate::wire::role::Role;

/// A message that a service publishes or receives.
struct Described {
    name: &'static str,
    version: u32,
    role: Role,
    payload: PayloadType,
}

impl Map {
    /// Returns the messages by their keys, and the schemas by their names.
    pub(super) fn components(
        &self,
        namespace: &str,
        traffic: &BTreeMap<&'static str, MapMessage>,
    ) -> Result<(Value, Value), AmbiguousSchema> {
        let mut messages = Object::new();
        let mut schemas = BTreeMap::from([(headers::NAME.to_owned(), headers::common())]);
        for described in self.described() {
            let is_scheduled = traffic[described.name].publishers.values().any(|publisher| publisher.scheduled);
            let mut message = described.document(namespace, is_scheduled);
            if let Some(payload) = (described.payload.0)() {
                message["payload"] = json!({ "$ref": format!("#/components/schemas/{}", payload.name) });
                payload.schemas.into_iter().try_for_each(|(name, schema)| add(&mut schemas, name, schema))?;
                let description = &schemas[&payload.name]["description"];
                if description.is_string() {
                    message["summary"] = description.clone();
                }
            }
            messages.insert(message_key(described.name, described.version), message);
        }
        Ok((messages.into(), json!(schemas)))
    }

    /// Returns every message in every version that a service publishes, or has a type for.
    fn described(&self) -> impl Iterator<Item = Described> {
        let published = self.edges.iter().flat_map(|edge| edge.all_published()).map(|outgoing| Described {
            name: outgoing.name,
            version: outgoing.version,
            role: outgoing.role,
            payload: outgoing.payload,
        });
        let received = self.edges.iter().filter(|edge| edge.is_subscriber()).map(|edge| Described {
            name: edge.receives,
            version: edge.versions.last().copied().unwrap_or_default(),
            role: edge.role,
            payload: edge.payload,
        });
        published.chain(received)
    }
}

impl Described {
    fn document(&self, namespace: &str, is_scheduled: bool) -> Value {
        let (name, version) = (self.name, self.version);
        json!({
            "name": name,
            "title": name,
            "summary": name,
            "contentType": "application/json",
            "headers": headers::of(&format!("{namespace}.{name}.v{version}")),
            "x-role": self.role,
            "x-version": version,
            "x-expires": self.role == Role::Step,
            "x-scheduled": is_scheduled,
        })
    }
}

fn add(schemas: &mut BTreeMap<String, Value>, name: String, schema: Value) -> Result<(), AmbiguousSchema> {
    match schemas.get(&name) {
        Some(known) if *known != schema => Err(AmbiguousSchema { name }),
        _ => {
            schemas.insert(name, schema);
            Ok(())
        }
    }
}
