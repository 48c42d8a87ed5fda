//! The properties that only the service knows: what a test hands in.

use serde_json::Value;

use std::cell::Cell;

use super::moment::Moment;
use super::quiet::quietly;
use super::violation::{Property, Violation};
use crate::Message;
use crate::declare::guarded::guarded;

/// A function that panics if a moment of a story is not as it should be.
type Check = Box<dyn Fn(&Moment<'_>)>;

/// A function that says whether a message is left out at a moment.
type Exclude = Box<dyn Fn(&Value, &Moment<'_>) -> bool>;

/// Everything that a test hands in.
#[derive(Default)]
pub(super) struct Own {
    pub(super) invariants: Vec<Invariant>,
    pub(super) races: Vec<Race>,
    pub(super) excluded: Vec<Excluded>,
    pub(super) goals: Vec<Goal>,
}

impl Own {
    /// Whether a message is left out at a moment.
    pub(super) fn excludes(&self, payload: &Value, moment: &Moment<'_>) -> bool {
        self.excluded.iter().any(|excluded| excluded.message == moment.message && (excluded.check)(payload, moment))
    }

    /// Checks what holds after every message.
    ///
    /// # Errors
    /// It does not hold.
    pub(super) fn check_invariants(&self, moment: &Moment<'_>) -> Result<(), Violation> {
        let broken = self.invariants.iter().find_map(|invariant| {
            let property = Property::Own(invariant.name.to_owned());
            Some(Violation {
                property,
                problem: failure(&invariant.check, moment)?,
                branches: vec![moment.happened.to_vec()],
            })
        });
        broken.map_or(Ok(()), Err)
    }

    /// Notes which goals are reached at a moment.
    pub(super) fn note_goals(&self, moment: &Moment<'_>) {
        let open = self.goals.iter().filter(|goal| !goal.is_reached.get());
        open.for_each(|goal| goal.is_reached.set((goal.check)(moment)));
    }

    /// Returns the goals that no story has reached.
    pub(super) fn missed(&self) -> Vec<&str> {
        let missed = self.goals.iter().filter(|goal| !goal.is_reached.get());
        missed.map(|goal| goal.name.as_str()).collect()
    }
}

/// What holds after every message.
pub(super) struct Invariant {
    pub(super) name: &'static str,
    pub(super) check: Check,
}

/// How two messages of a story end, in either order.
pub(super) struct Race {
    pub(super) messages: [&'static str; 2],
    pub(super) check: Check,
}

/// Messages that nobody sends.
pub(super) struct Excluded {
    pub(super) message: &'static str,
    check: Exclude,
}

/// What some story must reach.
pub(super) struct Goal {
    pub(super) name: String,
    pub(super) check: Box<dyn Fn(&Moment<'_>) -> bool>,
    pub(super) is_reached: Cell<bool>,
}

impl Excluded {
    pub(super) fn of<M: Message>(check: impl Fn(&M, &Moment<'_>) -> bool + 'static) -> Self {
        let check = move |payload: &Value, moment: &Moment<'_>| {
            M::deserialize(payload).is_ok_and(|message| check(&message, moment))
        };
        Self { message: M::NAME, check: Box::new(check) }
    }
}

impl Race {
    pub(super) fn is_between(&self, one: &str, other: &str) -> bool {
        self.messages == [one, other] || self.messages == [other, one]
    }

    /// Returns what is wrong with an ending.
    pub(super) fn problem(&self, ending: &Moment<'_>) -> Option<String> {
        failure(&self.check, ending)
    }
}

fn failure(check: &Check, story: &Moment<'_>) -> Option<String> {
    quietly(|| guarded(|| check(story))).err()
}
