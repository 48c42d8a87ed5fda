//! What a batch processes: everything that has arrived when it begins.

use uuid::Uuid;

use crate::bus::Delivery;
use crate::declare::outgoing::OutgoingMessage;
use crate::engine::execute::QueuedCommand;
use crate::engine::outbox_relay::UnsendableRow;
use crate::store::{Checkpoint, EffectRow, SeriesRange};
use crate::wire::dead_letter::Death;

/// What a batch processes.
#[derive(Default)]
pub(crate) struct BatchInput {
    pub deliveries: Vec<Delivery>,
    pub commands: Vec<QueuedCommand>,
    pub effects: Vec<TriedEffect>,
    /// Outbox rows that can never be sent.
    pub unsendable: Vec<UnsendableRow>,
    /// Numbers that are missing and will not come: their messages are lost.
    pub lost: Vec<SeriesRange>,
    /// A place in the stream behind the deliveries, up to which nothing is for this service.
    pub passed: Option<Checkpoint>,
    /// How many of the scheduled messages that are due, and of the waiting messages that have expired, are processed.
    pub due: usize,
    /// The message among the deliveries that is not tried any more.
    pub deadly: Option<DeadlyMessage>,
    /// What the only message or command of the batch writes wrongly.
    pub violation: Option<Violation>,
}

/// What functions write wrongly, against a constraint of the service's own migrations or not as JSON: they fail without
/// being called.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub detail: String,
    pub blamed: Blamed,
}

/// Which functions of a batch are to blame for a violation: more and more, until it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blamed {
    /// That of the message or command itself.
    Own,
    /// Also the reactions to messages that waited, and what follows an effect.
    Reactions,
    /// Also fallbacks.
    All,
}

/// A message on which processes have crashed too often: it dies untried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeadlyMessage {
    pub id: Uuid,
    pub crashes: u32,
}

/// An effect after a try.
pub(crate) struct TriedEffect {
    /// The effect, with this try counted.
    pub row: EffectRow,
    pub outcome: TryOutcome,
}

/// The outcome of a try.
pub(crate) enum TryOutcome {
    /// It succeeded: the messages that it publishes.
    Done(Vec<OutgoingMessage>),
    /// It was not run, for this reason.
    Obsolete(String),
    /// It failed, and is tried again.
    Failed,
    /// It failed for the last time.
    Died(Death),
}

impl BatchInput {
    pub(crate) fn is_empty(&self) -> bool {
        let nothing_arrived = self.deliveries.is_empty() && self.commands.is_empty() && self.effects.is_empty();
        nothing_arrived && self.passed.is_none() && self.unsendable.is_empty() && self.lost.is_empty() && self.due == 0
    }

    /// Whether it has something that only the leader processes, and that does not move the position.
    pub(super) fn is_for_leader(&self) -> bool {
        self.due > 0 || !self.effects.is_empty() || !self.unsendable.is_empty() || !self.lost.is_empty()
    }

    /// Whether it has what must not be tried again after a commit whose outcome is not known: the dead letters would be
    /// published twice. If nothing was written, all of it is found again when this instance leads again.
    pub(crate) fn has_what_is_found_again(&self) -> bool {
        !self.unsendable.is_empty() || !self.lost.is_empty()
    }

    /// Removes and returns a part of the batch that comes before the rest; none if it has one message or command only.
    pub(crate) fn split(&mut self) -> Option<Self> {
        let mut first = Self { deadly: self.deadly, ..Self::default() };
        let has_due = self.due > 0;
        let has_others =
            !self.commands.is_empty() || !self.effects.is_empty() || !self.unsendable.is_empty() || has_due;
        if self.deliveries.len() > 1 {
            first.deliveries = self.deliveries.drain(..self.deliveries.len() / 2).collect();
        } else if !self.deliveries.is_empty() && has_others {
            first.deliveries = std::mem::take(&mut self.deliveries);
        } else if has_due && (!self.commands.is_empty() || !self.effects.is_empty()) {
            first.due = std::mem::take(&mut self.due);
        } else if self.effects.len() > 1 || (!self.effects.is_empty() && !self.commands.is_empty()) {
            first.effects = self.effects.drain(..self.effects.len().div_ceil(2)).collect();
        } else if self.commands.len() > 1 {
            first.commands = self.commands.drain(..self.commands.len() / 2).collect();
        } else if self.due > 1 {
            first.due = self.due / 2;
            self.due -= first.due;
        } else {
            return None;
        }
        Some(first)
    }

    /// Lets functions of the only message or command fail: more of them each time.
    pub(crate) fn blame(&mut self, detail: String) {
        let blamed = match self.violation.as_ref().map(|violation| violation.blamed) {
            None if !self.deliveries.is_empty() || !self.commands.is_empty() => Blamed::Own,
            None | Some(Blamed::Own) => Blamed::Reactions,
            Some(Blamed::Reactions | Blamed::All) => Blamed::All,
        };
        self.violation = Some(Violation { detail, blamed });
    }

    /// Whether every function of the batch fails already: nothing is left to blame.
    pub(crate) fn is_fully_blamed(&self) -> bool {
        self.violation.as_ref().is_some_and(|violation| violation.blamed == Blamed::All)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::store::{OutboxRow, Range, RowName, SeriesId};
    use crate::wire::envelope::Envelope;

    const DEADLY: DeadlyMessage = DeadlyMessage { id: Uuid::nil(), crashes: 3 };

    fn delivery(stream_sequence: u64) -> Delivery {
        let envelope = Envelope::default();
        Delivery { stream_sequence, consumer_sequence: 1, delivered: 1, stamp_ns: 0, envelope, unreadable: None }
    }

    fn effect(number: i64) -> TriedEffect {
        let envelope = Envelope::default();
        let row = EffectRow { number, key: String::new(), tries: 1, since_ms: 0, due_ms: 0, envelope };
        TriedEffect { row, outcome: TryOutcome::Failed }
    }

    fn command(number: u64) -> QueuedCommand {
        QueuedCommand {
            message: "write",
            key: number.to_string(),
            id: Uuid::nil(),
            trace: String::new(),
            input: Box::new(|_| Box::new(())),
            decode_reply: |_| Ok(Box::new(())),
            idempotency: None,
            refusal: None,
            guard: None,
            reply: oneshot::channel().0,
        }
    }

    fn unsendable() -> UnsendableRow {
        let name = RowName { outbox: Uuid::nil(), kind: "line".into(), number: 1 };
        let row = OutboxRow { number: 1, name, envelope: Envelope::default(), placeholder: false, adopted: false };
        UnsendableRow { epoch: 1, row, problem: "too large".to_owned() }
    }

    fn lost() -> SeriesRange {
        let series = SeriesId { publisher: "author".into(), outbox: Uuid::nil(), kind: "line".into() };
        SeriesRange { series, range: Range { first: 1, last: 1 } }
    }

    /// Returns a batch with as many deliveries, due messages, effects and commands.
    fn batch([deliveries, due, effects, commands]: [u64; 4]) -> BatchInput {
        BatchInput {
            deliveries: (0..deliveries).map(delivery).collect(),
            due: due as usize,
            effects: (0..effects as i64).map(effect).collect(),
            commands: (0..commands).map(command).collect(),
            deadly: Some(DEADLY),
            ..BatchInput::default()
        }
    }

    /// Returns what a batch has, in the order in which its parts have to come.
    fn contents(batch: &BatchInput) -> Vec<(&'static str, String)> {
        let deliveries = batch.deliveries.iter().map(|delivery| ("delivery", delivery.stream_sequence.to_string()));
        let due = std::iter::repeat_n(("due", String::new()), batch.due);
        let effects = batch.effects.iter().map(|tried| ("effect", tried.row.number.to_string()));
        let commands = batch.commands.iter().map(|command| ("command", command.key.clone()));
        deliveries.chain(due).chain(effects).chain(commands).collect()
    }

    /// Splits a batch as far as it goes, and returns its parts.
    fn split_all(mut batch: BatchInput) -> Vec<BatchInput> {
        let Some(first) = batch.split() else { return vec![batch] };
        assert!(!first.is_empty() && !batch.is_empty());
        assert_eq!(first.deadly, Some(DEADLY));
        let mut parts = split_all(first);
        parts.extend(split_all(batch));
        parts
    }

    #[test]
    fn a_batch_splits_into_single_messages_and_commands_in_order() {
        for code in 0..256 {
            let whole = batch([code % 4, code / 4 % 4, code / 16 % 4, code / 64]);
            let expected = contents(&whole);
            let parts: Vec<_> = split_all(whole).iter().map(contents).collect();
            assert_eq!(parts.concat(), expected);
            assert!(parts.iter().all(|part| part.len() <= 1), "{parts:?}");
        }
    }

    #[test]
    fn a_message_is_split_from_rows_that_can_not_be_sent() {
        let parts = split_all(BatchInput { unsendable: vec![unsendable()], ..batch([1, 0, 0, 0]) });
        let parts: Vec<_> = parts.iter().map(|part| (part.deliveries.len(), part.unsendable.len())).collect();
        assert_eq!(parts, [(1, 0), (0, 1)]);
    }

    #[test]
    fn what_a_batch_has_decides_who_processes_it_and_whether_it_is_tried_again() {
        let passed = BatchInput { passed: Some(Checkpoint::default()), ..BatchInput::default() };
        let unsendable = BatchInput { unsendable: vec![unsendable()], ..BatchInput::default() };
        let lost = BatchInput { lost: vec![lost()], ..BatchInput::default() };
        for (what, batch, is_empty, is_for_leader, is_found_again) in [
            ("nothing", BatchInput::default(), true, false, false),
            ("a delivery", batch([1, 0, 0, 0]), false, false, false),
            ("a due message", batch([0, 1, 0, 0]), false, true, false),
            ("an effect", batch([0, 0, 1, 0]), false, true, false),
            ("a command", batch([0, 0, 0, 1]), false, false, false),
            ("a place", passed, false, false, false),
            ("a row that can't be sent", unsendable, false, true, true),
            ("a lost number", lost, false, true, true),
        ] {
            let has = (batch.is_empty(), batch.is_for_leader(), batch.has_what_is_found_again());
            assert_eq!(has, (is_empty, is_for_leader, is_found_again), "{what}");
        }
    }

    #[test]
    fn functions_are_blamed_from_the_own_one_to_all() {
        for (batch, blamed) in [
            (batch([1, 0, 0, 0]), vec![Blamed::Own, Blamed::Reactions, Blamed::All, Blamed::All]),
            (batch([0, 0, 0, 1]), vec![Blamed::Own, Blamed::Reactions, Blamed::All]),
            (batch([0, 1, 0, 0]), vec![Blamed::Reactions, Blamed::All]),
            (batch([0, 0, 1, 0]), vec![Blamed::Reactions, Blamed::All]),
        ] {
            let mut batch = batch;
            assert!(!batch.is_fully_blamed());
            for next in blamed {
                batch.blame("a constraint".to_owned());
                assert_eq!(batch.violation.as_ref().map(|violation| violation.blamed), Some(next));
                assert_eq!(batch.is_fully_blamed(), next == Blamed::All);
            }
        }
    }
}
