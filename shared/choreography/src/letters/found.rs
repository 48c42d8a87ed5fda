//! A letter and what became of it, and whether it can be seen to.

use std::fmt::{self, Display, Formatter};

use super::answer::{Answer, Outcome};
use super::letter::Letter;

/// A letter, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The letter.
    pub letter: Letter,
    /// Whether it is still to be seen to.
    pub standing: Standing,
    /// What its service answered, the oldest first.
    pub answers: Vec<Answer>,
}

/// Whether a letter is still to be seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Open,
    /// There is a later letter of the same message at the same service: it died again, or the server was given the
    /// letter twice.
    Superseded {
        /// The last one's sequence.
        by: u64,
    },
    /// Its service has seen to it.
    Handled(Answer),
}

/// Why a letter is not to be replayed or dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It is only a notice.
    Notice,
    /// No service would know the message.
    Flawed {
        /// Why.
        flaw: String,
        /// Who would have to know it.
        service: String,
    },
    /// A later letter is to be replayed instead.
    Superseded {
        /// Its sequence.
        by: u64,
    },
    /// It is handled; asking again does no harm.
    Handled(Answer),
}

impl Found {
    pub(super) fn new(letter: Letter, latest: u64, answers: Vec<Answer>) -> Self {
        let last = |wanted: fn(&Answer) -> bool| answers.iter().rfind(|answer| wanted(answer)).cloned();
        let standing = match last(Answer::settles) {
            Some(answer) => Standing::Handled(answer),
            None if latest > letter.sequence => Standing::Superseded { by: latest },
            // Its new letter is on the way.
            None => last(|answer| answer.outcome == Outcome::Died).map_or(Standing::Open, Standing::Handled),
        };
        Self { letter, standing, answers }
    }

    /// Whether it is still to be seen to.
    pub fn is_open(&self) -> bool {
        self.standing == Standing::Open
    }

    /// Why it is not to be replayed or dropped, if there is a reason.
    pub fn obstacle(&self) -> Option<Obstacle> {
        if self.letter.is_notice() {
            return Some(Obstacle::Notice);
        }
        if let Some(flaw) = &self.letter.flaw {
            return Some(Obstacle::Flawed { flaw: flaw.clone(), service: self.letter.service.clone() });
        }
        match &self.standing {
            Standing::Open => None,
            Standing::Superseded { by } => Some(Obstacle::Superseded { by: *by }),
            Standing::Handled(answer) => Some(Obstacle::Handled(answer.clone())),
        }
    }
}

impl Display for Obstacle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notice => f.write_str(
                "it is only a notice that a message was overdue: the message never died, and is done when its hearer \
                 is back",
            ),
            Self::Flawed { flaw, service } => {
                write!(f, "it can only be looked at, {service} would not know the message: {flaw}")
            }
            Self::Superseded { by } => {
                write!(f, "letter {by} is a later one of the same message: only that one counts")
            }
            Self::Handled(answer) => {
                write!(f, "it is handled already ({}: {})", answer.what, answer.outcome)
            }
        }
    }
}
