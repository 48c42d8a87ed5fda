//! Dead letters, for operators: what died and why, and how it is replayed or dropped.
//!
//! Nothing here changes a service's data. A repair publishes the message once more, with a header that names the
//! service and the death. That service processes it, and publishes a record beside the dead letter. Dead letters are
//! never changed; they leave their stream by age alone.
//!
//! | what | its subject and headers |
//! |---|---|
//! | dead letter | `dead.<service>.<message>.<key>`: the message with its headers, and `dead-*` headers about the death |
//! | replay | the original message, with `dead-replay: <service>/<dead-tries>/<sequence of the dead letter>` |
//! | drop | the same with `dead-drop` instead, and `dead-drop-reason` |
//! | repair record | `handled.<service>.<sequence of the dead letter>`, with `handled-*` headers and the `ce-id` |
//!
//! [`list`] returns dead letters with their state, [`groups`] counts those with the same cause, [`details`] returns one
//! with the story that led to the death, and [`repair`] has them replayed or dropped.

mod dead_letter;
mod details;
mod entry;
mod error;
mod filter;
mod groups;
mod list;
#[cfg(test)]
mod properties;
mod publish_window;
mod records;
mod repair;

pub use crate::wire::dead_letter::{LOST, OVERDUE};
pub use crate::wire::repair::{RepairOutcome, RepairRecord, UnknownOutcome};
pub use dead_letter::DeadLetter;
pub use details::{Details, STORY_MAX, details};
pub use entry::{Entry, EntryState, Obstacle};
pub use error::{DEAD_LETTERS_MAX, DeadLettersError};
pub use filter::{Filter, Token};
pub use groups::{Group, groups};
pub use list::list;
pub use publish_window::RepairRequest;
pub use repair::{RepairOptions, RepairProgress, RepairReport, RepairResult, repair};
