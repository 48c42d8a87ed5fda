//! Makes the streams and consumers that a system needs, as an administrator, before its services start.
//!
//! Doing it again changes nothing. What the server can't change in place is an error that says what to do: nothing
//! is ever deleted here.

pub mod plan;

mod apply;

pub use crate::wire::dead_letter::{DEAD_LETTER_SUBJECTS, DEAD_LETTERS, EVENTS};
pub use crate::wire::envelope::MESSAGE_BYTES_MAX;
pub use apply::provision;
pub use plan::{ConsumerPlan, Plan, StreamPlan};
