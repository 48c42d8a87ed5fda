//! What tests use.

pub(crate) mod fault;
