//! The map as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Map;
use super::messages::MapMessage;
use crate::declare::edge::Edge;

#[derive(Serialize)]
struct Document<'a> {
    services: BTreeMap<&'static str, Vec<&'a Edge>>,
    messages: BTreeMap<&'static str, MapMessage>,
}

impl Map {
    /// Returns the map as JSON, with a line break at its end. The same choreography gives the same text.
    ///
    /// - `services`: by name, the functions of each, in the order of its declaration. A function is an [`Edge`] with
    ///   the same names; [kinds](crate::HandlerKind) and [roles](crate::Role) are words in kebab case.
    /// - `messages`: by name, the messages between the services. Each has a `role`, and by service's name:
    ///   - `publishers`: the `versions` in which the service publishes it, whether it is `scheduled`, and what it is
    ///     `published_by`: a `function`, a `refusal` (`Err`), or a `fallback`;
    ///   - `subscribers`: the `versions` that the service reads, the kinds of functions that it is `received_by`, and
    ///     whether it `has_fallback`, one that does something.
    pub fn to_json(&self) -> String {
        let mut services: BTreeMap<_, Vec<_>> = self.services.iter().map(|service| (*service, Vec::new())).collect();
        for edge in &self.edges {
            services.entry(edge.service).or_default().push(edge);
        }
        let document = Document { services, messages: self.messages() };
        serde_json::to_string_pretty(&document).expect("words and numbers can be written as JSON") + "\n"
    }
}
