//! What users declare: messages, rows, and the functions that react to them. Everything here is pure.
//!
//! What must hold: nothing here knows a store, a bus or the engine.

pub(crate) mod choreography;
pub(crate) mod effect;
pub(crate) mod function;
pub(crate) mod handler;
pub(crate) mod map;
pub(crate) mod message;
pub(crate) mod outgoing;
pub(crate) mod row;
pub(crate) mod tables;
