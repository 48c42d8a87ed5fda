//! JSON that is nearly an example.

use serde_json::{Map, Number, Value, json};

use crate::bytes::Bytes;
use crate::draw::Draw;
use crate::text::{extreme_number, text};

/// How deep nested arrays are that a parser must refuse or read without exhausting its stack.
const DEPTHS: [usize; 3] = [3, 126, 10_000];

/// Returns JSON that is nearly an example: with fields that are missing, unknown, twice, or of another type, and with
/// numbers and texts that are nearly right. Sometimes it is not JSON any more.
pub(crate) fn json(example: &Value, draw: &mut Draw<'_>) -> Bytes {
    let mut value = example.clone();
    for _ in 0..draw.below(4) {
        let at = draw.below(count(&value));
        change(&mut value, at, draw);
    }
    let written = value.to_string();
    match draw.below(16) {
        0 => Bytes::near(written.as_bytes(), draw),
        1 => Bytes(twice(&written, draw).into_bytes()),
        2 => Bytes(written.replace(':', " :\n\t").into_bytes()),
        3 => {
            let depth = *draw.one(&DEPTHS);
            Bytes(format!("{}{written}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes())
        }
        _ => Bytes(written.into_bytes()),
    }
}

/// Returns the object with one field more, at its beginning or end, that may be there already.
fn twice(written: &str, draw: &mut Draw<'_>) -> String {
    let names: Vec<&str> = written.split('"').skip(1).step_by(2).collect();
    let name = if names.is_empty() { "a" } else { draw.one(&names) };
    let number = extreme_number(draw);
    match written.strip_prefix('{') {
        Some(rest) if rest.len() > 1 => format!("{{\"{name}\":{number},{rest}"),
        _ => written.to_owned(),
    }
}

/// Returns how many values there are in a value, with itself.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Changes the value at a place, counted from the outside in.
fn change(value: &mut Value, at: usize, draw: &mut Draw<'_>) {
    let Some(mut at) = at.checked_sub(1) else { return replace(value, draw) };
    let within: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => return,
    };
    for inner in within {
        let size = count(inner);
        if at < size {
            return change(inner, at, draw);
        }
        at -= size;
    }
}

fn replace(value: &mut Value, draw: &mut Draw<'_>) {
    match (draw.below(4), &mut *value) {
        (0, _) => *value = other(value, draw),
        (_, Value::Object(fields)) => change_fields(fields, draw),
        (_, Value::Array(items)) => change_items(items, draw),
        (_, Value::String(of)) => *of = text(of, draw),
        (_, Value::Number(_)) => *value = number(draw),
        (_, Value::Bool(is)) => *is = !*is,
        (_, Value::Null) => *value = other(value, draw),
    }
}

/// Returns a value of another type.
fn other(value: &Value, draw: &mut Draw<'_>) -> Value {
    match draw.below(9) {
        0 => Value::Null,
        1 => json!(true),
        2 => number(draw),
        3 => json!(text("text", draw)),
        4 => json!([]),
        5 => json!({}),
        6 => json!([value]),
        7 => json!({ "inner": value }),
        _ => json!(value.to_string()),
    }
}

fn number(draw: &mut Draw<'_>) -> Value {
    let number: Option<Number> = extreme_number(draw).parse().ok();
    number.map_or(Value::Null, Value::Number)
}

fn change_fields(fields: &mut Map<String, Value>, draw: &mut Draw<'_>) {
    let names: Vec<String> = fields.keys().cloned().collect();
    let name = if names.is_empty() { String::new() } else { draw.one(&names).clone() };
    match draw.below(4) {
        0 => drop(fields.remove(&name)),
        1 => drop(fields.insert(text("unknown", draw), json!({"more": [1]}))),
        2 => {
            if let Some(value) = fields.remove(&name) {
                fields.insert(text(&name, draw), value);
            }
        }
        _ => {
            let value = fields.get(draw.one(&[name.clone(), name.clone()])).cloned();
            let other = if names.is_empty() { String::new() } else { draw.one(&names).clone() };
            fields.extend(value.map(|value| (other, value)));
        }
    }
}

fn change_items(items: &mut Vec<Value>, draw: &mut Draw<'_>) {
    let at = draw.below(items.len());
    match (draw.below(4), items.get(at).cloned()) {
        (0, Some(_)) => drop(items.remove(at)),
        (1, Some(item)) => items.push(item),
        (2, Some(item)) => items.extend(std::iter::repeat_n(item, draw.below(300))),
        _ => items.push(Value::Null),
    }
}
