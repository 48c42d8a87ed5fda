//! What tests use.

#[cfg(debug_assertions)]
pub(crate) mod fault;
