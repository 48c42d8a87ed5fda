//! The channels to the worker: from the reader, from callers, and from the effects task.

use tokio::sync::mpsc;

use super::reading::Reading;
use crate::clock::Clock;
use crate::engine::batch::{BatchInput, TriedEffect};
use crate::engine::execute::QueuedCommand;
use crate::engine::leadership::{Leadership, Term};
use crate::engine::outbox_relay::UnsendableRow;
use crate::engine::reader::Feed;
use crate::settings::BATCH_MAX;

/// The channels that bring work.
pub(crate) struct Inputs {
    pub feed: mpsc::Receiver<Feed>,
    pub commands: mpsc::Receiver<QueuedCommand>,
    /// Tried effects, each with the term in which it ran.
    pub effects: mpsc::Receiver<(Term, TriedEffect)>,
    /// Outbox rows that can never be sent.
    pub unsendable: mpsc::Receiver<UnsendableRow>,
}

impl Inputs {
    /// Takes what has arrived, up to a batch of each kind.
    pub(super) fn gather(
        &mut self,
        batch: &mut BatchInput,
        reading: &mut Reading,
        leadership: &Leadership,
        clock: &Clock,
    ) {
        while batch.commands.len() < BATCH_MAX
            && let Ok(command) = self.commands.try_recv()
        {
            batch.commands.push(command);
        }
        self.gather_effects(batch, leadership);
        while reading.deliveries.len() < BATCH_MAX
            && let Ok(feed) = self.feed.try_recv()
        {
            reading.take(feed, clock.now());
        }
        batch.deliveries = reading.drain();
        if batch.deliveries.is_empty() {
            batch.passed = reading.take_passed();
        }
        // If they were not set aside meanwhile, the outbox relay finds them again.
        batch.unsendable.retain(|row| Some(row.epoch) == reading.epoch);
        // Due messages must not wait until nothing else arrives.
        let now = clock.now();
        if reading.due().is_some_and(|due| due <= now) {
            batch.due = BATCH_MAX;
        }
    }

    /// Takes the effects that were tried, up to a batch.
    pub(super) fn gather_effects(&mut self, batch: &mut BatchInput, leadership: &Leadership) {
        while batch.effects.len() < BATCH_MAX
            && let Ok((term, tried)) = self.effects.try_recv()
        {
            batch.take_effect(term, tried, leadership);
        }
    }

    /// Closes the channel of commands, and returns those that are left.
    pub(super) fn last_commands(&mut self) -> Vec<QueuedCommand> {
        self.commands.close();
        std::iter::from_fn(|| self.commands.try_recv().ok()).collect()
    }
}

impl BatchInput {
    /// Takes a tried effect. One that ran before an interruption is run again, here or by another instance: only
    /// that run counts.
    pub(super) fn take_effect(&mut self, term: Term, tried: TriedEffect, leadership: &Leadership) {
        if term.interruptions == leadership.term().interruptions {
            self.effects.push(tried);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::bus::Delivery;
    use crate::engine::batch::TryOutcome;
    use crate::engine::reader::Look;
    use crate::store::{Checkpoint, EffectRow};
    use crate::wire::envelope::Envelope;

    #[test]
    fn what_reading_has_passed_comes_in_the_batch_after_the_last_message() {
        let (sender, feed) = mpsc::channel(9);
        let mut inputs =
            Inputs { feed, commands: mpsc::channel(1).1, effects: mpsc::channel(1).1, unsendable: mpsc::channel(1).1 };
        let envelope = Envelope::default();
        let delivery = Delivery {
            stream_sequence: 1,
            consumer_sequence: 1,
            delivered: 1,
            stamp_ns: 0,
            envelope,
            unreadable: None,
        };
        let room = Arc::new(Semaphore::new(1)).try_acquire_many_owned(1).unwrap();
        let passed = Checkpoint { sequence: 2, ..Checkpoint::default() };
        for feed in [
            Feed::Lead { epoch: 1 },
            Feed::Begin { epoch: 1, position: Checkpoint::default(), received: Box::default() },
            Feed::Messages { epoch: 1, deliveries: vec![delivery], room },
            Feed::Looked { epoch: 1, look: Look { first: 1, deleted: 0, passed: Some(passed), notes: Vec::new() } },
        ] {
            assert!(sender.try_send(feed).is_ok());
        }
        let (mut reading, clock) = (Reading::default(), Clock::seeded(Timestamp::UNIX_EPOCH, 0));
        let mut gather = || {
            let mut batch = BatchInput::default();
            inputs.gather(&mut batch, &mut reading, &Leadership::default(), &clock);
            (batch.deliveries.len(), batch.passed)
        };
        assert_eq!([gather(), gather(), gather()], [(1, None), (0, Some(passed)), (0, None)]);
    }

    #[test]
    fn an_effect_that_ran_before_an_interruption_does_not_count() {
        let (mut batch, leadership) = (BatchInput::default(), Leadership::default());
        let take = |batch: &mut BatchInput, term, number| {
            let envelope = Envelope::default();
            let row = EffectRow { number, key: String::new(), tries: 1, since_ms: 0, due_ms: 0, envelope };
            batch.take_effect(term, TriedEffect { row, outcome: TryOutcome::Failed }, &leadership);
        };
        let before = leadership.term();
        leadership.interrupt();
        take(&mut batch, before, 1);
        take(&mut batch, leadership.term(), 2);
        assert_eq!(batch.effects.iter().map(|tried| tried.row.number).collect::<Vec<_>>(), [2]);
    }
}
