//! Sample values of messages, drawn from their types: a type is asked by its `Deserialize` which fields it has.
//!
//! What must hold: the same choices draw the same sample, and choices that are all zero draw a simple one.

mod candidates;
mod compound;
mod deserializer;
mod drawing;

use std::any::TypeId;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use drawing::{Drawing, Refused};

/// A message type with its type erased: how samples of it are drawn and read.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// The type of its key.
    pub(crate) key_type: TypeId,
    draw: fn(&mut Drawing<'_>) -> Result<Value, String>,
    key: fn(&Value) -> Option<String>,
}

impl Sample {
    /// Returns how samples of `M` are drawn. The function reads a payload, and returns its key.
    pub(crate) fn of<M: Serialize + DeserializeOwned, K: 'static>(key: fn(&Value) -> Option<String>) -> Self {
        Self { key_type: TypeId::of::<K>(), draw: deserializer::draw::<M>, key }
    }

    /// Draws a payload.
    ///
    /// # Errors
    /// The type hides its fields, as with `#[serde(flatten)]` or `untagged`, or refuses every candidate for a field.
    pub(crate) fn draw(&self, drawing: &mut Drawing<'_>) -> Result<Value, String> {
        (self.draw)(drawing)
    }

    /// Returns the key of a payload as text; none if the type can't read the payload.
    pub(crate) fn key(&self, payload: &Value) -> Option<String> {
        (self.key)(payload)
    }
}
