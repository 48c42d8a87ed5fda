//! Dead letters, for an administrator who repairs: what died and why, and having it done again or given up.
//!
//! Nothing here changes what a service keeps. The message is published once more, with a header that names the service
//! and the death that is meant; that service does it, and answers with a record beside the dead letter. Dead letters themselves
//! are never altered, and leave by age alone.
//!
//! | what | is |
//! |---|---|
//! | a dead letter | `dead.<service>.<message>.<key>`: the message with its headers, and `dead-*` headers about the death |
//! | a replay | the message as it was said, with `dead-replay: <service>/<dead-tries>/<dead_letter's sequence>` |
//! | a drop | the same with `dead-drop` instead, and `dead-drop-reason` |
//! | an answer | `handled.<service>.<dead_letter's sequence>`, with `handled-*` headers and the `ce-id` |
//!
//! [`survey`] finds dead letters and says what became of them, [`groups`] brings together those that died of the same,
//! [`details`] shows one with the story that led to its death, and [`ask`] has them replayed or dropped.

mod dead_letter;
mod details;
mod entry;
mod filter;
mod groups;
mod records;
mod repairing;
mod stream_reader;
mod survey;
mod window;

pub use crate::wire::dead_letter::OVERDUE;
pub use crate::wire::repair::{RepairOutcome, RepairRecord};
pub use dead_letter::DeadLetter;
pub use details::{Details, STORY_MAX, Told, details};
pub use entry::{Entry, EntryState, Obstacle};
pub use filter::{Filter, Token};
pub use groups::{Group, groups};
pub use repairing::{RepairOptions, RepairProgress, RepairReport, RepairResult, ask};
pub use survey::{LETTERS_MAX, survey};
pub use window::RepairRequest;
