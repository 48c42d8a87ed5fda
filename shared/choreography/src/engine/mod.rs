//! How a service runs: the tasks that read, process, publish, run effects, and maintain the circuit breaker.

mod batch;
mod breaker_task;
mod effects;
pub(crate) mod execute;
mod halt;
pub(crate) mod health;
pub(crate) mod intake;
mod leadership;
mod number_ranges;
mod outbox_numbers;
mod outbox_relay;
mod processed;
mod progress_note;
pub(crate) mod reader;
mod received_numbers;
mod repaired;
mod run_record;
pub(crate) mod shared;
mod shared_snapshot;
mod sources;
pub(crate) mod start;
mod stopping;
mod stream_limits;
mod tasks;
mod trouble;
mod unreadable_rows;
mod worker;
