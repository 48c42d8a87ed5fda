//! The worker's view of the stream: its position, the messages that wait for a batch, and when something is due.

use std::collections::VecDeque;

use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use crate::bus::Delivery;
use crate::engine::batch::{BatchInput, NewNumbers};
use crate::engine::reader::{Feed, Look, bytes_of};
use crate::engine::received_numbers::ReceivedNumbers;
use crate::engine::repaired::OutboxRepaired;
use crate::engine::worker::notes::Notes;
use crate::settings::BATCH_MAX;
use crate::store::{Advance, Checkpoint};
use crate::wire::repair::Repair;

/// How far the worker has processed the stream, and what it does next.
#[derive(Default)]
pub(super) struct Reading {
    /// The epoch under which this instance leads; none while it stands by.
    pub epoch: Option<i64>,
    /// The committed position; none while nothing is read.
    pub position: Option<Checkpoint>,
    /// Delivered messages that are not part of a batch yet.
    pub deliveries: VecDeque<Delivery>,
    /// The room that the messages take which are delivered and not processed yet.
    room: Option<OwnedSemaphorePermit>,
    /// When the next scheduled message is published or the next waiting message expires.
    pub due: Option<Timestamp>,
    /// The numbers that were received.
    pub received: ReceivedNumbers,
    /// What the publishers say.
    pub notes: Notes,
    /// The first sequence that the stream had when it was looked at last.
    pub stream_first: u64,
    /// A place up to which the stream has nothing for this service that was not delivered.
    passed: Option<Checkpoint>,
    /// Whether the outbox is repaired.
    repaired: OutboxRepaired,
}

impl Reading {
    /// Returns the view of a worker that has read nothing yet.
    pub(super) fn nothing(repaired: OutboxRepaired) -> Self {
        Self { repaired, ..Self::default() }
    }

    /// Takes what the reader has sent. What was read under another epoch is dropped.
    pub(super) fn take(&mut self, feed: Feed, now: Timestamp) {
        match feed {
            Feed::Lead { epoch } => {
                self.stop();
                (self.epoch, self.due) = (Some(epoch), Some(now));
            }
            Feed::Stop { stopped } => {
                self.stop();
                // The reader does not wait any more if it was interrupted.
                let _ = stopped.send(());
            }
            Feed::Begin { epoch, position, received } => {
                if self.epoch == Some(epoch) {
                    (self.position, self.received) = (Some(position), *received);
                }
            }
            Feed::Messages { epoch, deliveries, room } => {
                if self.reads_under(epoch) {
                    self.deliveries.extend(deliveries);
                    match &mut self.room {
                        Some(taken) => taken.merge(room),
                        None => self.room = Some(room),
                    }
                }
            }
            Feed::Looked { epoch, look } => {
                if self.reads_under(epoch) {
                    self.looked(look);
                }
            }
        }
    }

    fn reads_under(&self, epoch: i64) -> bool {
        self.epoch == Some(epoch) && self.position.is_some()
    }

    fn looked(&mut self, look: Look) {
        self.position.iter_mut().for_each(|position| position.deleted = look.deleted);
        self.stream_first = look.first;
        // The reader says once what it has passed: it counts until a batch takes it, also if the worker is held up meanwhile.
        self.passed = look.passed.or(self.passed);
        self.notes.take(look.notes);
    }

    /// Removes and returns the next messages, at most a batch. While messages are read again, a repair begins a batch of its
    /// own: the message that it repairs may come right before it, and dies again in the batch before.
    pub(super) fn drain(&mut self) -> Vec<Delivery> {
        let reads_again = self.again_through() > 0;
        let goes_on = |delivery: &&Delivery| !reads_again || Repair::of(&delivery.envelope).is_none();
        let following = self.deliveries.iter().take(BATCH_MAX).skip(1).take_while(goes_on);
        let count = self.deliveries.len().min(1 + following.count());
        self.deliveries.drain(..count).collect()
    }

    /// Puts messages back that were removed last and are not processed yet.
    pub(super) fn put_back(&mut self, deliveries: impl DoubleEndedIterator<Item = Delivery>) {
        deliveries.rev().for_each(|delivery| self.deliveries.push_front(delivery));
    }

    /// Removes and returns the place that reading has passed, once everything before it is processed.
    pub(super) fn take_passed(&mut self) -> Option<Checkpoint> {
        let position = self.position.filter(|_| self.deliveries.is_empty())?;
        self.passed.take().filter(|passed| passed.sequence > position.sequence)
    }

    /// Returns when something is due; none while another instance leads, nor before it is known whether the database was
    /// put back to an older copy.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due.filter(|_| self.epoch.is_some_and(|epoch| self.repaired.is_under(epoch)))
    }

    /// Returns up to which place of the stream messages are read again because the database was put back to an older copy:
    /// up to the last one that was published before. Returns 0 once they are read, and if there are none.
    pub(super) fn again_through(&self) -> u64 {
        let through = self.epoch.and_then(|epoch| self.repaired.adopted_through(epoch)).unwrap_or(0);
        let is_passed = self.position.is_some_and(|position| position.sequence >= through);
        if is_passed { 0 } else { through }
    }

    /// Returns by how much a batch moves the position.
    pub(super) fn advance(&self, batch: &BatchInput) -> Option<Advance> {
        let (epoch, position) = (self.epoch?, self.position?);
        let last = batch.deliveries.last();
        let last = last.map(|last| (last.stream_sequence, last.stamp_ns));
        let (sequence, stamp_ns) = last.or_else(|| batch.passed.map(|passed| (passed.sequence, passed.stamp_ns)))?;
        let to = Checkpoint { sequence, stamp_ns, ..position };
        Some(Advance { epoch, from: position.sequence, to })
    }

    /// Records that a batch was committed.
    pub(super) fn advanced(&mut self, batch: &BatchInput, numbers: NewNumbers) {
        self.position = self.advance(batch).map(|advance| advance.to).or(self.position);
        self.received.add(numbers);
        let done = bytes_of(&batch.deliveries);
        // Dropping a part of the room gives it back.
        drop(self.room.as_mut().and_then(|room| room.split(done.min(room.num_permits()))));
    }

    /// Stops reading: nothing that was delivered is processed any more.
    fn stop(&mut self) {
        self.deliveries.clear();
        (self.position, self.passed, self.room) = (None, None, None);
        self.notes = Notes::default();
    }

    /// Stops leading, and returns the epoch under which this instance led.
    pub(super) fn step_down(&mut self) -> Option<i64> {
        self.stop();
        self.epoch.take()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{Semaphore, oneshot};

    use super::*;
    use crate::engine::reader::PublisherNote;
    use crate::wire::envelope::Envelope;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn place(sequence: u64) -> Checkpoint {
        Checkpoint { sequence, ..Checkpoint::default() }
    }

    fn lead(epoch: i64) -> Feed {
        Feed::Lead { epoch }
    }

    fn begin(epoch: i64, sequence: u64) -> Feed {
        Feed::Begin { epoch, position: place(sequence), received: Box::default() }
    }

    fn looked(epoch: i64, passed: Option<u64>) -> Feed {
        let note = PublisherNote { publisher: "author".into(), up_to: 1, settled: Vec::new() };
        Feed::Looked { epoch, look: Look { first: 3, deleted: 2, passed: passed.map(place), notes: vec![note] } }
    }

    /// Returns a message of nine bytes, which takes so much of the room.
    fn messages(epoch: i64, sequence: u64, room: &Arc<Semaphore>, permits: u32) -> Feed {
        let envelope = Envelope { payload: "nine byte".into(), ..Envelope::default() };
        let delivery = Delivery {
            stream_sequence: sequence,
            consumer_sequence: 1,
            delivered: 1,
            stamp_ns: 0,
            envelope,
            unreadable: None,
        };
        let room = room.clone().try_acquire_many_owned(permits).unwrap();
        Feed::Messages { epoch, deliveries: vec![delivery], room }
    }

    /// Returns a view that reads under epoch 1 after a place.
    fn reading_after(sequence: u64) -> Reading {
        let mut reading = Reading::default();
        reading.take(lead(1), NOW);
        reading.take(begin(1, sequence), NOW);
        reading
    }

    #[test]
    fn what_was_read_under_another_epoch_or_before_reading_began_is_dropped() {
        let (mut reading, room) = (Reading::default(), Arc::new(Semaphore::new(100)));
        reading.take(lead(1), NOW);
        for feed in [begin(2, 5), messages(1, 6, &room, 9), looked(1, Some(6))] {
            reading.take(feed, NOW);
        }
        assert_eq!((reading.position, reading.deliveries.len(), reading.stream_first), (None, 0, 0));
        reading.take(begin(1, 5), NOW);
        for feed in [begin(2, 7), messages(2, 6, &room, 9), looked(2, Some(6))] {
            reading.take(feed, NOW);
        }
        assert_eq!((reading.position, reading.deliveries.len(), reading.stream_first), (Some(place(5)), 0, 0));
        reading.take(messages(1, 6, &room, 9), NOW);
        reading.take(looked(1, None), NOW);
        let position = Checkpoint { deleted: 2, ..place(5) };
        assert_eq!((reading.position, reading.deliveries.len(), reading.stream_first), (Some(position), 1, 3));
    }

    #[test]
    fn nothing_is_left_of_what_was_read_once_reading_stops_or_another_epoch_begins() {
        let stop = |reading: &mut Reading| reading.take(Feed::Stop { stopped: oneshot::channel().0 }, NOW);
        let lead_again = |reading: &mut Reading| reading.take(lead(2), NOW);
        let step_down = |reading: &mut Reading| assert_eq!(reading.step_down(), Some(1));
        for end in [stop, lead_again, step_down] {
            let (mut reading, room) = (reading_after(5), Arc::new(Semaphore::new(100)));
            reading.take(messages(1, 6, &room, 9), NOW);
            reading.take(looked(1, Some(7)), NOW);
            end(&mut reading);
            assert_eq!((reading.position, reading.passed, reading.deliveries.len()), (None, None, 0));
            assert_eq!((reading.notes.named().count(), room.available_permits()), (0, 100));
        }
    }

    #[test]
    fn what_reading_has_passed_is_kept_until_a_batch_takes_it_however_many_looks_follow() {
        let (mut reading, room) = (reading_after(5), Arc::new(Semaphore::new(100)));
        for passed in [Some(7), None, None] {
            reading.take(looked(1, passed), NOW);
        }
        reading.take(messages(1, 6, &room, 9), NOW);
        assert_eq!(reading.take_passed(), None, "a message comes first");
        reading.drain();
        assert_eq!(reading.take_passed(), Some(place(7)));
        assert_eq!(reading.take_passed(), None);
        reading.take(looked(1, Some(5)), NOW);
        assert_eq!(reading.take_passed(), None, "reading does not go back, nor does it move to where it is");
    }

    #[test]
    fn a_processed_message_gives_back_its_room_also_if_it_is_larger_than_all_of_it() {
        let (mut reading, room) = (reading_after(5), Arc::new(Semaphore::new(6)));
        reading.take(messages(1, 6, &room, 6), NOW);
        let batch = BatchInput { deliveries: reading.drain(), ..BatchInput::default() };
        assert_eq!(room.available_permits(), 0);
        reading.advanced(&batch, NewNumbers::default());
        assert_eq!((reading.position, room.available_permits()), (Some(place(6)), 6));
    }
}
