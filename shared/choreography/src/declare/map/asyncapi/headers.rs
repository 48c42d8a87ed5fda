//! The headers of every message: CloudEvents 1.0 in binary mode, and the numbers by which subscribers find what they miss.

use serde_json::{Value, json};

use crate::wire::envelope::{NAMES, NUMBER, OUTBOX};

/// The name of the schema. No type has it: it is no identifier of Rust.
pub(super) const NAME: &str = "message-headers";

/// The header that only steps have.
const EXPIRY: &str = "ce-expirytime";

/// Returns the schema of the headers of all messages.
pub(super) fn common() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let formatted =
        |format: &str, description: &str| json!({ "type": "string", "format": format, "description": description });
    json!({
        "type": "object",
        "description": "The headers of a message: CloudEvents 1.0 in binary mode, and what the runtime adds.",
        "required": NAMES.into_iter().filter(|name| *name != EXPIRY).collect::<Vec<_>>(),
        "properties": {
            "ce-specversion": { "type": "string", "const": "1.0", "description": "The version of CloudEvents" },
            "ce-id": formatted("uuid", "The message: copies of it have the same id"),
            "ce-source": text("The service that publishes the message"),
            "ce-type": text("The name space of the application, the message's name and its version"),
            "ce-time": formatted("date-time", "When the message was published"),
            "ce-subject": text("The key of the message, which is the last token of its subject"),
            "ce-datacontenttype": { "type": "string", "const": "application/json", "description": "The media type of the payload" },
            "ce-correlationid": text("The key of the message that the story began with"),
            "ce-causationid": text("The id of the message that led to this one"),
            "traceparent": text("W3C Trace Context"),
            EXPIRY: formatted("date-time", "Steps only: after this the message must not be processed any more"),
            OUTBOX: text("The publisher's outbox, which numbers its messages"),
            NUMBER: text("1, 2, 3 … within the outbox and the message's name"),
        },
    })
}

/// Returns the schema of the headers of one message, whose type is this.
pub(super) fn of(kind: &str) -> Value {
    json!({
        "type": "object",
        "allOf": [{ "$ref": format!("#/components/schemas/{NAME}") }],
        "properties": { "ce-type": { "type": "string", "const": kind } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_is_described() {
        let common = common();
        for name in NAMES {
            assert!(common["properties"][name]["description"].is_string(), "{name}");
        }
    }
}
