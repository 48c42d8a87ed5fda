//! What can happen in a story.

use std::fmt::{self, Debug, Display, Formatter};

use crate::testing::trouble::Trouble;

/// What can happen.
#[derive(Debug, Clone)]
pub enum Event<A> {
    /// Somebody does something.
    Action(A),
    /// Something goes wrong, or ends to go wrong.
    Trouble(Trouble),
    /// The running instance of a service with the lowest number ends, as by `kill -9`.
    Crash(&'static str),
    /// An instance of a service starts; a further one, if all run.
    Start(&'static str),
}

impl<A: Debug> Display for Event<A> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(action) => write!(f, "{action:?}"),
            Self::Trouble(trouble) => write!(f, "trouble: {trouble:?}"),
            Self::Crash(service) => write!(f, "an instance of {service} crashes"),
            Self::Start(service) => write!(f, "an instance of {service} starts"),
        }
    }
}
