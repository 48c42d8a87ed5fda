//! How a service runs: the tasks that read, react, publish, run effects and watch the circuit breaker.

pub(crate) mod batch;
pub(crate) mod breaker_task;
pub(crate) mod checkpoint;
pub(crate) mod effects;
pub(crate) mod execute;
pub(crate) mod outbox_relay;
pub(crate) mod reader;
pub(crate) mod shared;
pub(crate) mod start;
pub(crate) mod worker;
