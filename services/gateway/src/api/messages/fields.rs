//! The fields of a payload, from its JSON Schema.

use maud::{Markup, html};
use serde_json::Value;

/// Of more words than these, as of the currencies, only the first are shown.
const WORDS_MAX: usize = 20;

/// Shows the fields of a type, or the words that it consists of.
pub(super) fn fields(schema: &Value) -> Markup {
    let required = |name: &str| schema["required"].as_array().into_iter().flatten().any(|field| field == name);
    html! {
        @if let Some(properties) = schema["properties"].as_object() {
            dl.fields { @for (name, property) in properties { div {
                dt { code { (name) } " " span.hint { (kind(property)) @if !required(name) { ", may be absent" } } }
                dd { (prose(property["description"].as_str().unwrap_or_default())) }
            } } }
        } @else {
            p { (kind(schema)) @if let Some(pattern) = schema["pattern"].as_str() { ", as " code { (pattern) } } }
        }
    }
}

/// Shows the type of a value.
fn kind(schema: &Value) -> Markup {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return html! { a href=(format!("#type-{name}")) { (name) } };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return joined(choices.iter().map(kind));
    }
    if let Some(words) = schema["enum"].as_array() {
        let shown = words.iter().take(WORDS_MAX).map(|word| html! { code { (word.as_str().unwrap_or_default()) } });
        let more = words.len().saturating_sub(WORDS_MAX);
        return html! { (joined(shown)) @if more > 0 { " and " (more) " more" } };
    }
    if schema["type"] == "array" {
        return html! { "list of " (kind(&schema["items"])) };
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        other => vec![other.as_str().unwrap_or("anything")],
    };
    html! { (types.join(" or ")) @if let Some(format) = schema["format"].as_str() { " (" (format) ")" } }
}

fn joined(parts: impl Iterator<Item = Markup>) -> Markup {
    html! { @for (index, part) in parts.enumerate() { @if index > 0 { " or " } (part) } }
}

/// Shows a text of a doc comment, in which words between backticks are code.
pub(super) fn prose(text: &str) -> Markup {
    html! { @for (index, part) in text.split('`').enumerate() { @if index % 2 == 1 { code { (part) } } @else { (part) } } }
}
