//! The map as an AsyncAPI 3.0 document: a channel for each kind of subject, the operations of the services on them, and
//! the messages with their headers and payloads.

mod headers;
mod messages;
mod operations;

use serde_json::{Map as Object, Value, json};

use super::Map;
use super::messages::MapMessage;

/// What an AsyncAPI document says of the application as a whole.
#[derive(Debug, Clone, Copy)]
pub struct AsyncApiInfo<'a> {
    /// The name of the application.
    pub title: &'a str,
    /// The version of the application.
    pub version: &'a str,
    /// The name space of its message types, as in [`Settings::namespace`](crate::Settings::namespace).
    pub namespace: &'a str,
}

/// Two types of the messages have one name, and look different.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two types in the messages are named {name} and look different: name one of them with `#[schema(as = …)]`")]
pub struct AmbiguousSchema {
    /// The name.
    pub name: String,
}

/// What stands in the document besides that for which AsyncAPI has fields.
const DESCRIPTION: &str = "Which service publishes what to whom, generated from the types of the services' functions. The \
    services call each other by messages alone, all on one stream. `x-role` of a message is `step` (it asks for something, \
    and expires: `x-expires`), `event` (it states a fact) or `compensation` (it takes something back); `x-version` is the \
    version of its payload, and `x-scheduled` says that it may be published at a later time. An operation belongs to \
    `x-service`. One that sends is `x-published-by` a `function`, its `refusal`, or its `fallback` for a message that \
    died. One that receives is `x-received-by` a reaction, a compensation or an effect, reads `x-versions`, and may have \
    a fallback that does something (`x-has-fallback`).";

impl Map {
    /// Returns the map as an AsyncAPI 3.0 document in JSON, with a line break at its end. The same choreography gives the
    /// same text.
    ///
    /// The payload of a message has a JSON Schema if the message derives `utoipa::ToSchema` beside `Message`; the types
    /// in it are under `components/schemas`. Extension fields, which the document's description explains, have what
    /// AsyncAPI knows no field for: roles, versions, expiry, refusals, fallbacks and scheduled messages.
    ///
    /// ```
    /// use choreography::{AsyncApiInfo, Choreography, Command, Map, Message, Rejected, Row};
    /// use serde::{Deserialize, Serialize};
    /// use utoipa::ToSchema;
    ///
    /// #[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Message)]
    /// #[message(name = "seat-taken", key = seat, role = event)]
    /// struct SeatTaken {
    ///     seat: u32,
    /// }
    /// # #[derive(Debug, Clone, Serialize, Deserialize, Command)]
    /// # #[command(name = "take-seat", key = seat, row = Seat)]
    /// # struct TakeSeat { seat: u32 }
    /// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    /// # #[row(table = "seat", key = u32)]
    /// # struct Seat;
    /// # fn take_seat(command: &TakeSeat, _: &mut Option<Seat>) -> Result<SeatTaken, Rejected> {
    /// #     Ok(SeatTaken { seat: command.seat })
    /// # }
    ///
    /// let theatre = Choreography::new("theatre").command(take_seat); // publishes seat-taken
    /// let info = AsyncApiInfo { title: "Theatre", version: "1.0.0", namespace: "theatre" };
    /// let document = Map::of(&[theatre]).to_asyncapi(&info)?;
    /// assert!(document.contains("#/components/schemas/SeatTaken"));
    /// # Ok::<(), choreography::AmbiguousSchema>(())
    /// ```
    ///
    /// # Errors
    /// [`AmbiguousSchema`] if two types in the messages have one name and look different.
    pub fn to_asyncapi(&self, info: &AsyncApiInfo<'_>) -> Result<String, AmbiguousSchema> {
        let traffic = self.messages();
        let (messages, schemas) = self.components(info.namespace, &traffic)?;
        let document = json!({
            "asyncapi": "3.0.0",
            "info": { "title": info.title, "version": info.version, "description": DESCRIPTION },
            "defaultContentType": "application/json",
            "channels": traffic.iter().flat_map(|(name, message)| channels(name, message)).collect::<Object<_, _>>(),
            "operations": operations::all(&traffic),
            "components": { "messages": messages, "schemas": schemas },
        });
        Ok(serde_json::to_string_pretty(&document).expect("JSON can be written") + "\n")
    }
}

/// Returns the channels of a message, with their names: one for each service that publishes it.
fn channels<'a>(name: &'a str, message: &'a MapMessage) -> impl Iterator<Item = (String, Value)> {
    message.publishers.iter().map(move |(service, publisher)| {
        let messages = publisher.versions.iter().map(|version| {
            let key = message_key(name, *version);
            (key.clone(), json!({ "$ref": format!("#/components/messages/{key}") }))
        });
        let channel = json!({
            "address": format!("{service}.{name}.{{key}}"),
            "parameters": { "key": {
                "description": "The key of the message: the story that it belongs to",
                "location": "$message.header#/ce-subject",
            } },
            "messages": messages.collect::<Object<_, _>>(),
        });
        (channel_key(service, name), channel)
    })
}

fn channel_key(publisher: &str, message: &str) -> String {
    format!("{publisher}.{message}")
}

fn message_key(message: &str, version: u32) -> String {
    format!("{message}.v{version}")
}
