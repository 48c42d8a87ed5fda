//! What users declare: messages, rows, and the functions that react to messages. Everything here is pure.
//!
//! What must hold: nothing here imports a store, a bus or the engine.

pub(crate) mod call;
pub(crate) mod choreography;
pub(crate) mod earlier;
pub(crate) mod edge;
pub(crate) mod effect;
pub(crate) mod effect_builder;
pub(crate) mod effect_error;
pub(crate) mod effect_policy;
pub(crate) mod fallback;
pub(crate) mod function;
pub(crate) mod guarded;
pub(crate) mod handler;
pub(crate) mod idempotence;
pub(crate) mod incoming;
pub(crate) mod input;
pub(crate) mod key;
pub(crate) mod map;
pub(crate) mod message;
pub(crate) mod outgoing;
pub(crate) mod output;
pub(crate) mod payload;
pub(crate) mod reaction;
pub(crate) mod role;
pub(crate) mod row;
pub(crate) mod row_arguments;
pub(crate) mod stored_row;
pub(crate) mod table;
pub(crate) mod tables;
pub(crate) mod unknown_fields;
pub(crate) mod unless;
pub(crate) mod unready;
