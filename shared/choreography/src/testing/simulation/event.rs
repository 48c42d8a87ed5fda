//! What can happen in a story.

use std::fmt::{self, Debug, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::testing::release::Release;
use crate::testing::trouble::Trouble;

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event<A> {
    /// Somebody does something.
    Action(A),
    /// Something goes wrong, or ends to go wrong.
    Trouble(Trouble),
    /// The running instance of a service with the lowest number ends, as by `kill -9`.
    Crash(&'static str),
    /// An instance of a service starts; a further one, if all run.
    Start(&'static str),
    /// Instances of a service that start from now on are of a release. Those that run stay as they are, unless it is the
    /// beginning of the story.
    Release(&'static str, Release),
}

impl<A> Event<A> {
    /// Returns the service that it names, if it names one.
    pub(super) fn service(&self) -> Option<&'static str> {
        match self {
            Self::Action(_) => None,
            Self::Trouble(trouble) => trouble.service(),
            Self::Crash(service) | Self::Start(service) | Self::Release(service, _) => Some(service),
        }
    }
}

impl<A: Debug> Display for Event<A> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(action) => write!(f, "{action:?}"),
            Self::Trouble(trouble) => write!(f, "trouble: {trouble:?}"),
            Self::Crash(service) => write!(f, "an instance of {service} crashes"),
            Self::Start(service) => write!(f, "an instance of {service} starts"),
            Self::Release(service, release) => {
                write!(f, "instances of {service} that start are of the {release:?} release")
            }
        }
    }
}
