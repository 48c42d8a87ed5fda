//! Sample values of messages, drawn from their types: a type is asked by its `Deserialize` which fields it has.
//!
//! What must hold: the same choices draw the same sample, and choices that are all zero draw a simple one.

mod candidates;
mod compound;
mod deserializer;
mod drawing;
mod tagged;

use std::any::TypeId;

use serde_json::Value;

pub(crate) use drawing::{Drawing, Refused};
pub(crate) use tagged::is_tagged_by_name;

/// A message type with its type erased: how samples of it are drawn and read.
pub(crate) struct Sample {
    /// The type of its key.
    pub(crate) key_type: TypeId,
    /// The versions that are read, the latest last.
    pub(crate) versions: Vec<u32>,
    /// Reads a payload of a version from a drawing, and returns what it is in the latest one.
    pub(crate) draw: Draw,
    /// Returns the key of a payload as text; none if the type can't read the payload.
    pub(crate) key: fn(&Value) -> Option<String>,
}

/// Reads a payload of a version from a drawing.
type Draw = fn(u32, &mut Drawing<'_>) -> Result<Value, String>;

impl Sample {
    /// Draws a payload of any version that is read.
    ///
    /// # Errors
    /// The type hides its fields, as with `#[serde(flatten)]` or `untagged`, or refuses every candidate for a field.
    pub(crate) fn draw(&self, drawing: &mut Drawing<'_>) -> Result<Value, String> {
        let choice = drawing.choose(self.versions.len());
        let version = self.versions.iter().rev().nth(choice).copied().unwrap_or_default();
        drawing.begin(version);
        deserializer::draw(self.draw, version, drawing)
    }

    /// Returns the key of a payload as text; none if the type can't read the payload.
    pub(crate) fn key(&self, payload: &Value) -> Option<String> {
        (self.key)(payload)
    }
}
