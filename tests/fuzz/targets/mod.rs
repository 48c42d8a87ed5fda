//! The targets.

pub(crate) mod database;
pub(crate) mod door;
pub(crate) mod engine;
pub(crate) mod http;
pub(crate) mod server;
mod server_answers;
pub(crate) mod settings;
pub(crate) mod stored;
pub(crate) mod tokens;
pub(crate) mod wire;
