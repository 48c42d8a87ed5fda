//! Messages on the wire: envelopes, headers, subjects, ids, dead letters and repairs. Each name that is used on the
//! wire is written here once.
//!
//! What must hold: nothing here imports a store, a bus or the engine.

pub(crate) mod circumstances;
#[cfg_attr(
    not(feature = "jetstream"),
    allow(dead_code, unreachable_pub, reason = "only dead letters on a server use all of it")
)]
pub(crate) mod dead_letter;
pub(crate) mod envelope;
pub(crate) mod fingerprint;
pub(crate) mod headers;
pub(crate) mod ids;
#[cfg_attr(
    not(feature = "jetstream"),
    allow(dead_code, unreachable_pub, reason = "only dead letters on a server use all of it")
)]
pub(crate) mod repair;
pub(crate) mod role;
#[cfg_attr(not(feature = "jetstream"), allow(dead_code, reason = "only a server has repeated messages"))]
pub(crate) mod series;
pub(crate) mod subject;
