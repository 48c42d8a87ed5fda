//! Makes the streams and consumers that a system needs, as an administrator, before its services start.
//!
//! Doing it again changes nothing. What the server can't change in place is an error that says what to do: nothing
//! is ever deleted here.

pub mod plan;

mod apply;

pub use apply::provision;
pub use plan::{ConsumerPlan, DEAD_LETTER_SUBJECTS, MESSAGE_BYTES_MAX, Plan, StreamPlan};
