//! The settings that streams and consumers must have for the promises to hold, and how a server's settings differ.

use serde_json::{Map, Value, json};

use crate::wire::envelope::MESSAGE_BYTES_MAX;

/// Returns the fields in which a server's definition differs from a planned one, each with the actual and the planned
/// value. Fields that the plan leaves out are not compared.
pub(crate) fn differences(planned: &Map<String, Value>, actual: &Map<String, Value>) -> Vec<(String, Value, Value)> {
    let differs = |(field, planned): (&String, &Value)| {
        let actual = actual.get(field).unwrap_or(&Value::Null);
        let (actual, planned) = (normal(&planned_part(planned, actual)), normal(planned));
        (actual != planned).then(|| (field.clone(), actual, planned))
    };
    planned.iter().filter_map(differs).collect()
}

fn listed(differing: &[(String, Value, Value)]) -> Option<String> {
    let text =
        |(field, actual, planned): &(String, Value, Value)| format!("{field} (is {actual}, should be {planned})");
    (!differing.is_empty()).then(|| differing.iter().map(text).collect::<Vec<_>>().join(", "))
}

/// Returns the settings of a stream without which it may lose or change what is published to it.
pub(crate) fn keeping_settings() -> Value {
    json!({
        "retention": "limits",
        "deny_delete": true,
        "deny_purge": true,
        "sealed": false,
        "no_ack": false,
        "allow_rollup_hdrs": false,
        "allow_msg_ttl": false,
        "subject_transform": null,
    })
}

/// Returns the settings of a consumer without which a service can't read with it.
pub(crate) fn reading_settings() -> Value {
    json!({
        "ack_policy": "none",
        "deliver_policy": "all",
        "replay_policy": "instant",
        "inactive_threshold": 0,
        "headers_only": false,
        "deliver_subject": "",
        "rate_limit_bps": 0,
        "pause_until": null,
        "priority_groups": null,
    })
}

/// Returns the settings with which a stream of messages or dead letters may lose or change what is published to it, each
/// with both values; none if it is as planned.
pub(crate) fn may_lose(actual: &Map<String, Value>) -> Option<String> {
    let per_subject = json!({ "max_msgs_per_subject": -1 });
    let mut differing = differences(&object(merged(keeping_settings(), per_subject)), actual);
    let size = actual.get("max_msg_size").and_then(Value::as_u64);
    if let Some(size) = size.filter(|size| *size < MESSAGE_BYTES_MAX as u64) {
        differing.push(("max_msg_size".to_owned(), json!(size), json!(MESSAGE_BYTES_MAX)));
    }
    listed(&differing)
}

/// Returns the settings with which no service can read with a consumer, each with both values; none if it is as planned.
pub(crate) fn can_not_read(actual: &Map<String, Value>) -> Option<String> {
    listed(&differences(&object(reading_settings()), actual))
}

/// Returns the fields of two definitions.
pub(crate) fn merged(definition: Value, more: Value) -> Value {
    let mut fields = object(definition);
    fields.extend(object(more));
    Value::Object(fields)
}

/// Returns the fields of an object; none of what is no object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Returns what the plan says something about: of an object only the planned fields, because the server adds metadata of
/// its own.
fn planned_part(planned: &Value, actual: &Value) -> Value {
    match (planned, actual) {
        (Value::Object(planned), Value::Object(actual)) => {
            let of_plan = actual.iter().filter(|(field, _)| planned.contains_key(*field));
            Value::Object(of_plan.map(|(field, value)| (field.clone(), value.clone())).collect())
        }
        _ => actual.clone(),
    }
}

/// Returns a value in the form in which it is compared: lists are sets; null, false, zero and empty are the same,
/// because the server leaves out what is off.
fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let mut items = items.clone();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Array(_) | Value::Bool(false) => Value::Null,
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Number(number) if number.as_u64() == Some(0) => Value::Null,
        other => other.clone(),
    }
}
