//! Dead letters, for an administrator who repairs: what died and why, and having it done again or given up.
//!
//! Nothing here changes what a service keeps. The message is published once more, with a header that names the service
//! and the death that is meant; that service does it, and answers with a record beside the letter. Letters themselves
//! are never altered, and leave by age alone.
//!
//! | what | is |
//! |---|---|
//! | a letter | `dead.<service>.<message>.<key>`: the message with its headers, and `dead-*` headers about the death |
//! | a replay | the message as it was said, with `dead-replay: <service>/<dead-tries>/<letter's sequence>` |
//! | a drop | the same with `dead-drop` instead, and `dead-drop-reason` |
//! | an answer | `handled.<service>.<letter's sequence>`, with `handled-*` headers and the `ce-id` |
//!
//! [`survey`] finds letters and says what became of them, [`groups`] brings together those that died of the same,
//! [`whole`] shows one with the story that led to its death, and [`ask`] has them replayed or dropped.

mod answer;
mod answers;
mod asking;
mod filter;
mod found;
mod groups;
mod letter;
mod post;
mod stored;
mod survey;
mod whole;

pub use answer::{Answer, Outcome};
pub use asking::{Asked, Fate, Progress, Report, ask};
pub use filter::{Filter, Token};
pub use found::{Found, Obstacle, Standing};
pub use groups::{Group, groups};
pub use letter::{Letter, OVERDUE};
pub use post::Request;
pub use survey::{LETTERS_MAX, survey};
pub use whole::{STORY_MAX, Told, Whole, whole};

/// The stream of what was said.
const EVENTS: &str = "EVENTS";

/// The stream of dead letters and of what became of them.
const DEAD_LETTERS: &str = "DEAD_LETTERS";
