//! The streams, consumers and users that a choreography needs on the server.
//!
//! [`Plan::of`] computes them from what the services receive and publish. [`provision`] creates them, or updates them
//! in place, as an administrator and before the services start; repeated, it changes nothing. What the server can't
//! change in place is an error that says what to do: nothing is ever deleted here. [`Plan::users`] is the part of the
//! server's configuration that lets each service publish and read what it needs, and nothing else.
//!
//! ```
//! use choreography::Choreography;
//! use choreography::provision::Plan;
//!
//! let services = [Choreography::new("order"), Choreography::new("payment")];
//! let plan = Plan::of(&services).slots(2);
//! println!("{}", plan.users());
//! ```

mod apply;
mod change;
mod error;
mod file_sync;
mod plan;
mod resources;
mod users;

pub use crate::wire::dead_letter::{DEAD_LETTER_SUBJECTS, DEAD_LETTERS, EVENTS};
pub use crate::wire::envelope::MESSAGE_BYTES_MAX;
pub use apply::provision;
pub use change::{Change, Difference};
pub use error::ProvisionError;
pub use file_sync::FileSync;
pub use plan::Plan;
pub use resources::{ConsumerPlan, StreamPlan};
pub use users::Users;
