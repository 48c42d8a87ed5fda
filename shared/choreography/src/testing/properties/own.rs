//! The properties that only the service knows: what a test hands in.

use serde_json::Value;

use super::bench::Bench;
use super::happened::Happened;
use super::moment::Moment;
use super::quiet::quietly;
use super::world::World;
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
    message: &'static str,
    check: Exclude,
}

impl Excluded {
    pub(super) fn of<M: Message>(check: impl Fn(&M, &Moment<'_>) -> bool + 'static) -> Self {
        let check = move |payload: &Value, moment: &Moment<'_>| {
            M::deserialize(payload).is_ok_and(|message| check(&message, moment))
        };
        Self { message: M::NAME, check: Box::new(check) }
    }

    /// Whether a message is left out at a moment.
    pub(super) fn applies(&self, payload: &Value, moment: &Moment<'_>) -> bool {
        self.message == moment.message && (self.check)(payload, moment)
    }
}

impl Race {
    pub(super) fn is_between(&self, one: &str, other: &str) -> bool {
        self.messages == [one, other] || self.messages == [other, one]
    }

    /// Returns what is wrong with an ending.
    pub(super) fn problem(
        &self,
        bench: &Bench<'_>,
        before: &World,
        after: &World,
        story: &[Happened],
    ) -> Option<String> {
        let message = story.last().map_or("", |last| bench.function(last).message);
        failure(&self.check, &Moment { before, after, message, happened: story })
    }
}

impl Invariant {
    /// Returns what is wrong after a message.
    pub(super) fn problem(&self, story: &Moment<'_>) -> Option<String> {
        failure(&self.check, story)
    }
}

fn failure(check: &Check, story: &Moment<'_>) -> Option<String> {
    quietly(|| guarded(|| check(story))).err()
}
