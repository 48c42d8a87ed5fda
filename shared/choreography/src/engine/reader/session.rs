//! One connection of the leader: what must be done before it reads, and reading until something happens.

use std::convert::Infallible;

use futures::future::try_join_all;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use super::position::{Resume, place_before, resume};
use super::{Feed, Look, PublisherNote, Reader, StopReason};
use crate::bus::{Connection, Deliveries, Delivery, Stream, StreamState};
use crate::engine::received_numbers::ReceivedNumbers;
use crate::engine::sources::Sources;
use crate::planted::{PlantedBug, planted};
use crate::settings::{ALIVE_CHECKED_EVERY, BATCH_MAX};
use crate::store::{Checkpoint, ReadingState};

/// One connection of the leader.
pub(super) struct ReadingSession<'a> {
    pub(super) reader: &'a Reader,
    pub(super) connection: &'a dyn Connection,
    pub(super) epoch: i64,
    pub(super) sources: Sources,
}

/// How far a session has read.
struct Delivered {
    /// The sequence of the last message, or the place that was passed.
    position: u64,
    /// How many messages were delivered since the consumer's reset.
    count: u64,
    /// How many there were at the look before.
    count_before: Option<u64>,
    /// How many the server had sent by then.
    sent_before: u64,
}

impl ReadingSession<'_> {
    /// Reads until something happens.
    pub(super) async fn run(&self) -> Result<(), StopReason> {
        let stream = self.connection.stream(Stream::Events).await?;
        self.wait_for_repair(&stream).await?;
        self.stop_feed().await?;
        let mut state = self.reader.store.reading_state().await?;
        if self.verify(&stream, &state).await? {
            state = self.reader.store.reading_state().await?;
        }
        if self.take_up(&stream, &state).await? {
            state = self.reader.store.reading_state().await?;
        }
        let position = Checkpoint { deleted: stream.deleted, ..state.head.position };
        let mut pull = match self.sources == Sources::default() {
            true => None,
            false => Some(self.reset(position.sequence + 1).await?),
        };
        self.check_start(&stream, &self.connection.stream(Stream::Events).await?)?;
        let received = Box::new(ReceivedNumbers::from(state));
        self.reader.hand_over(Feed::Begin { epoch: self.epoch, position, received }).await?;
        self.reader.shared.health.reading(Ok(()));
        self.deliver(&stream, pull.as_deref_mut(), position.sequence).await
    }

    /// Waits until the outbox relay has compared the outbox with the stream: own messages that only the stream has would
    /// else be made again from what is read.
    async fn wait_for_repair(&self, stream: &StreamState) -> Result<(), StopReason> {
        let mut is_first = true;
        loop {
            tokio::select! {
                biased;
                () = self.reader.shared.repaired.wait(self.epoch, &stream.server_start) => return Ok(()),
                lost = self.connection.lost() => return Err(StopReason::Anomaly(lost)),
                () = tokio::time::sleep(ALIVE_CHECKED_EVERY) => {}
            }
            self.check_start(stream, &self.connection.stream(Stream::Events).await?)?;
            if !std::mem::take(&mut is_first) {
                let waits = "reading begins when the outbox has been compared with the stream: see publishing";
                self.reader.shared.health.reading(Err(waits.to_owned()));
            }
        }
    }

    /// Checks that the server was not started anew, and that the stream has lost nothing, since another look.
    fn check_start(&self, before: &StreamState, now: &StreamState) -> Result<(), StopReason> {
        if before.server_start != now.server_start {
            let problem = "the server was started anew, or the stream changed: reading begins anew".to_owned();
            return Err(StopReason::Anomaly(problem));
        }
        self.reader.shared.leadership.set_able(Some(self.reader.settings.clock.now()));
        Ok(())
    }

    /// Lets the worker process nothing more of what was delivered before. So the position stays as it is.
    async fn stop_feed(&self) -> Result<(), StopReason> {
        let (stopped, reply) = oneshot::channel();
        self.reader.hand_over(Feed::Stop { stopped }).await?;
        reply.await.map_err(|_| StopReason::Ended)
    }

    /// Verifies that the stream has what was read, and goes back or halts if it has not. Returns whether the position or the
    /// stream has changed.
    async fn verify(&self, stream: &StreamState, state: &ReadingState) -> Result<bool, StopReason> {
        let (reader, head) = (self.reader, &state.head);
        if let Some(reason) = &head.halted {
            match self.stay_halted(reason, stream).await? {}
        }
        // An earlier version of the runtime has left a position without a stamp, and no checkpoint.
        let is_other = !head.stream_created.is_empty() && head.stream_created != stream.created;
        if state.checkpoints.is_empty() && !is_other {
            let next = stream.first.max(head.position.sequence + 1);
            let position = place_before(self.connection, stream, next).await?;
            reader.store.begin_stream(self.epoch, &stream.created, position).await?;
            return Ok(true);
        }
        let goes_back = match resume(self.connection, stream, state).await? {
            Resume::GoOn => false,
            Resume::GoBack(to) => {
                let from = head.position.sequence;
                tracing::warn!(from, to = to.sequence, "the stream lost messages that were read: it is read again");
                reader.store.go_back(self.epoch, to).await?;
                true
            }
            Resume::Halt(what) => {
                let service = reader.service;
                let reason = format!("{what}. Nothing is read until an operator goes on: see `{service} stream`");
                if !planted(PlantedBug::HaltNotStored) {
                    reader.store.halt(self.epoch, &reason).await?;
                }
                match self.stay_halted(&reason, stream).await? {}
            }
        };
        reader.store.verified(self.epoch, stream.deleted).await?;
        Ok(goes_back)
    }

    /// Reads nothing until an operator goes on, which ends this leadership.
    async fn stay_halted(&self, reason: &str, stream: &StreamState) -> Result<Infallible, StopReason> {
        self.reader.shared.halt.set(Some(reason.to_owned()));
        self.reader.shared.health.reading(Err(reason.to_owned()));
        loop {
            tokio::select! {
                biased;
                lost = self.connection.lost() => return Err(StopReason::Anomaly(lost)),
                () = tokio::time::sleep(ALIVE_CHECKED_EVERY) => {}
            }
            self.check_start(stream, &self.connection.stream(Stream::Events).await?)?;
        }
    }

    /// Lets the consumer continue at a sequence.
    async fn reset(&self, from: u64) -> Result<Box<dyn Deliveries>, StopReason> {
        let consumer = &self.reader.consumer;
        let reset = self.connection.reset(consumer, from).await?;
        if reset != from {
            let problem = format!("the consumer was reset to {from}, but the server continues at {reset}");
            return Err(StopReason::Anomaly(problem));
        }
        Ok(self.connection.pull(consumer).await?)
    }

    /// Hands over what is delivered, and looks at the server once a second.
    async fn deliver(
        &self,
        stream: &StreamState,
        mut pull: Option<&mut (dyn Deliveries + '_)>,
        position: u64,
    ) -> Result<(), StopReason> {
        let mut delivered = Delivered { position, count: 0, count_before: None, sent_before: 0 };
        let mut looks = tokio::time::interval(ALIVE_CHECKED_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = async {
                match &mut pull {
                    Some(pull) => pull.next(BATCH_MAX).await,
                    None => std::future::pending().await,
                }
            };
            // Deliveries may arrive without a pause, so they come after what must not wait. Those that arrived before
            // the connection was lost are still processed.
            let deliveries = tokio::select! {
                biased;
                _ = looks.tick() => {
                    let look = self.look(stream, &mut delivered).await?;
                    self.reader.hand_over(Feed::Looked { epoch: self.epoch, look }).await?;
                    // A look that takes long must not be followed by the next one at once: nothing would be read.
                    looks.reset();
                    continue;
                }
                deliveries = next => deliveries?,
                lost = self.connection.lost() => return Err(StopReason::Anomaly(lost)),
            };
            delivered.check(&deliveries).map_err(StopReason::Anomaly)?;
            let room = self.reader.room_for(&deliveries).await?;
            self.reader.hand_over(Feed::Messages { epoch: self.epoch, deliveries, room }).await?;
        }
    }

    /// Looks at the server: whether it is still the same, what reading has passed, and what the publishers note.
    async fn look(&self, stream: &StreamState, delivered: &mut Delivered) -> Result<Look, StopReason> {
        // This request comes first: what is stored between it and the next one is pending, or delivered.
        let now = self.connection.stream(Stream::Events).await?;
        self.check_start(stream, &now)?;
        let passed = self.passed(&now, delivered).await?;
        if now.first > delivered.position + 1 {
            return Err(StopReason::Anomaly("the stream deleted messages that were not read yet".to_owned()));
        }
        let publishers = self.sources.publishers();
        let progress = try_join_all(publishers.iter().map(|publisher| self.connection.progress(publisher))).await?;
        let notes = publishers.iter().zip(progress);
        let notes = notes.filter_map(|(publisher, progress)| PublisherNote::read(publisher, progress?, stream));
        let notes = notes.collect();
        Ok(Look { first: now.first, deleted: now.deleted, passed, notes })
    }

    /// Returns the end of the stream, if the messages that were delivered are all there are for this service. While only
    /// messages for others are published, the stream would in time delete everything up to this service's position.
    async fn passed(&self, now: &StreamState, delivered: &mut Delivered) -> Result<Option<Checkpoint>, StopReason> {
        let is_idle = delivered.count_before.replace(delivered.count) == Some(delivered.count);
        if self.sources != Sources::default() {
            let reader = self.reader;
            let info = self.connection.consumer_info(&reader.consumer).await?;
            let suitable = info.as_ref().filter(|info| info.unsuitable.is_none());
            let filters = suitable.map(|info| Sources::of(&info.filters));
            if filters.as_ref() != Some(&self.sources) {
                return Err(StopReason::Anomaly(format!("the consumer {} was changed", reader.consumer)));
            }
            let (sent, pending) = info.map_or((0, 0), |info| (info.sent, info.pending));
            let sent_before = std::mem::replace(&mut delivered.sent_before, sent);
            if is_idle && sent_before > delivered.count {
                // An abandoned pull may have taken them, and nothing may follow that would show it.
                let count = delivered.count;
                let problem =
                    format!("of {sent_before} messages that the server has sent since the reset {count} came");
                return Err(StopReason::Anomaly(problem));
            }
            if !is_idle || (sent, pending) != (delivered.count, 0) {
                return Ok(None);
            }
        }
        if now.last <= delivered.position {
            return Ok(None);
        }
        let stamp = self.connection.stamp_at(Stream::Events, now.last).await?;
        let passed = stamp.map(|stamp_ns| Checkpoint { sequence: now.last, stamp_ns, deleted: now.deleted });
        delivered.position = passed.map_or(delivered.position, |passed| passed.sequence);
        Ok(passed)
    }
}

impl Delivered {
    /// Checks that messages arrived once and without a gap.
    fn check(&mut self, deliveries: &[Delivery]) -> Result<(), String> {
        for delivery in deliveries {
            let expected = self.count + 1;
            let is_next = delivery.consumer_sequence == expected && delivery.delivered == 1;
            if !is_next && !planted(PlantedBug::GapNotNoticed) {
                return Err(format!(
                    "expected message {expected} since the reset, got {} (delivered {} times)",
                    delivery.consumer_sequence, delivery.delivered
                ));
            }
            (self.count, self.position) = (expected, delivery.stream_sequence);
        }
        Ok(())
    }
}
