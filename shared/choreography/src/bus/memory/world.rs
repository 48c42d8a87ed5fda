//! The state of the server in memory, and how it delivers messages.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeBounds;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::consumer::Consumer;
use super::stored_stream::StoredStream;
use crate::bus::{
    BusError, ConsumerInfo, Delivery, Filled, PULLED_BYTES_MAX, Progress, ReadFrom, ServerStart, Stored, Stream,
    StreamState,
};
use crate::clock::Clock;
use crate::watched::Watched;
use crate::wire::dead_letter::{ALL_DEAD_LETTERS, DEAD_LETTER_SUBJECTS};
use crate::wire::envelope::{Envelope, MESSAGE_BYTES_MAX};
use crate::wire::subject::matches;

/// The state of the server.
pub(super) struct World {
    clock: Clock,
    pub(super) events: StoredStream,
    pub(super) dead_letters: StoredStream,
    /// The notes of the services.
    pub(super) notes: BTreeMap<String, Progress>,
    pub(super) consumers: BTreeMap<String, Consumer>,
    /// The subjects that the stream takes; every subject of three tokens if the list is empty.
    pub(super) subjects: Vec<String>,
    pub(super) down: bool,
    pub(super) silent: bool,
    /// How long what is sent takes to arrive.
    pub(super) latency: Duration,
    pub(super) dropped_acknowledgements: u64,
    pub(super) refusal: Option<String>,
    pub(super) message_bytes_max: usize,
    /// How many messages each stream is to have at most, as it says; it keeps more.
    pub(super) messages_max: Option<u64>,
    /// The settings that the streams say they have and that are not as planned.
    pub(super) unsuitable: Option<String>,
    starts: u64,
    /// The messages that the server has stored and lost.
    pub(super) removed: Vec<Stored>,
    /// The last stamp that was given: no two messages have the same, also after losses.
    stamp: Timestamp,
    /// Why each was lost; none while it lives.
    connections: Vec<Watched<Option<String>>>,
}

/// A copy of everything that a server in memory has stored.
#[derive(Clone)]
pub struct StoredCopy {
    events: StoredStream,
    dead_letters: StoredStream,
    notes: BTreeMap<String, Progress>,
    consumers: BTreeMap<String, Consumer>,
}

impl World {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            events: StoredStream::default(),
            dead_letters: StoredStream::default(),
            notes: BTreeMap::new(),
            consumers: BTreeMap::new(),
            subjects: Vec::new(),
            down: false,
            silent: false,
            latency: Duration::ZERO,
            dropped_acknowledgements: 0,
            refusal: None,
            message_bytes_max: MESSAGE_BYTES_MAX,
            messages_max: None,
            unsuitable: None,
            starts: 0,
            removed: Vec::new(),
            stamp: Timestamp::MIN,
            connections: Vec::new(),
        }
    }

    pub(super) fn server_id(&self) -> String {
        format!("server-{}", self.starts + 1)
    }

    pub(super) fn stream(&self, stream: Stream) -> &StoredStream {
        match stream {
            Stream::Events => &self.events,
            Stream::DeadLetters => &self.dead_letters,
        }
    }

    pub(super) fn stream_mut(&mut self, stream: Stream) -> &mut StoredStream {
        match stream {
            Stream::Events => &mut self.events,
            Stream::DeadLetters => &mut self.dead_letters,
        }
    }

    pub(super) fn state(&self, stream: Stream) -> StreamState {
        let stream = self.stream(stream);
        let created = format!("2026-01-01T00:00:{:02}Z", stream.created);
        StreamState {
            server_start: ServerStart::of([&created, &self.server_id(), &stream.deleted()]),
            created,
            first: stream.first(),
            last: stream.last,
            deleted: stream.deleted(),
            messages: Filled { amount: stream.messages.len() as u64, limit: self.messages_max },
            bytes: Filled::default(),
            unsuitable: self.unsuitable.clone(),
            at: self.clock.now().max(self.stamp),
        }
    }

    pub(super) fn dead_letters(&self, from: ReadFrom, max: usize) -> Vec<Stored> {
        let after = match from {
            ReadFrom::Sequence(sequence) => sequence.saturating_sub(1),
            ReadFrom::Time(moment) => {
                let earlier = self.dead_letters.messages.partition_point(|stored| stored.at < moment);
                self.dead_letters.messages.get(earlier).map_or(self.dead_letters.last, |first| first.sequence - 1)
            }
        };
        let letters = |stored: &&Stored| matches(ALL_DEAD_LETTERS, &stored.envelope.subject);
        self.dead_letters.after(after).filter(letters).take(max).cloned().collect()
    }

    pub(super) fn consumers(&mut self) -> Vec<ConsumerInfo> {
        self.consumers.iter_mut().map(|(name, consumer)| consumer.info(name, &self.events)).collect()
    }

    pub(super) fn consumer_info(&mut self, name: &str) -> Option<ConsumerInfo> {
        Some(self.consumers.get_mut(name)?.info(name, &self.events))
    }

    pub(super) fn first_after(&self, subject: &str, sequence: u64) -> Option<(u64, Timestamp)> {
        let mut later = self.events.after(sequence);
        later.find(|stored| matches(subject, &stored.envelope.subject)).map(|stored| (stored.sequence, stored.at))
    }

    pub(super) fn store(&mut self, envelope: &Envelope) -> Result<u64, BusError> {
        if let Some(reason) = &self.refusal {
            return Err(BusError::Refused(reason.clone()));
        }
        let bytes = envelope.payload.len() + envelope.headers.bytes();
        let bytes_max = self.message_bytes_max;
        if bytes > bytes_max {
            return Err(BusError::TooLarge(format!("{bytes} bytes of at most {bytes_max}")));
        }
        let stream = self.stream_of(&envelope.subject);
        let stream = stream.ok_or_else(|| BusError::Refused("no stream takes this subject".to_owned()))?;
        Ok(self.append(stream, envelope, None))
    }

    pub(super) fn store_unreadable(&mut self, envelope: &Envelope, problem: &str) {
        let stream = self.stream_of(&envelope.subject).expect("a stream takes the subject");
        self.append(stream, envelope, Some(problem.to_owned()));
    }

    fn stream_of(&self, subject: &str) -> Option<Stream> {
        if DEAD_LETTER_SUBJECTS.iter().any(|filter| matches(filter, subject)) {
            return Some(Stream::DeadLetters);
        }
        self.takes(subject).then_some(Stream::Events)
    }

    fn append(&mut self, stream: Stream, envelope: &Envelope, unreadable: Option<String>) -> u64 {
        // Sorted, as the client of the real server leaves them.
        let envelope = Envelope { headers: envelope.headers.sorted(), ..envelope.clone() };
        self.stamp = self.clock.now().max(self.stamp + SignedDuration::from_nanos(1));
        let at = self.stamp;
        let stream = self.stream_mut(stream);
        stream.last += 1;
        stream.messages.push_back(Stored { sequence: stream.last, at, envelope, unreadable });
        stream.last
    }

    fn takes(&self, subject: &str) -> bool {
        match self.subjects.is_empty() {
            true => matches("*.*.*", subject),
            false => self.subjects.iter().any(|filter| matches(filter, subject)),
        }
    }

    /// Adds a consumer's next messages until there are `max` deliveries. Returns whether the consumer exists.
    pub(super) fn deliver(&mut self, name: &str, max: usize, deliveries: &mut VecDeque<Delivery>) -> bool {
        let Some(consumer) = self.consumers.get_mut(name) else { return false };
        if consumer.unsuitable.is_some() {
            return true;
        }
        let mut bytes: usize = deliveries.iter().map(|delivery| delivery.envelope.bytes()).sum();
        for stored in self.events.after(consumer.next.saturating_sub(1)) {
            if deliveries.len() >= max || bytes > PULLED_BYTES_MAX {
                return true;
            }
            if consumer.wants(&stored.envelope.subject) {
                bytes += stored.envelope.bytes();
                consumer.send(stored, deliveries);
            }
        }
        consumer.next = consumer.next.max(self.events.last + 1);
        true
    }

    /// Opens a connection. Returns where it learns why it is lost.
    pub(super) fn connection(&mut self) -> Watched<Option<String>> {
        let connection = Watched::default();
        self.connections.retain(Watched::is_shared);
        self.connections.push(connection.clone());
        connection
    }

    pub(super) fn cut(&mut self, reason: &str) {
        for connection in self.connections.drain(..) {
            connection.change(|lost| *lost = Some(reason.to_owned()));
        }
    }

    pub(super) fn restart(&mut self) {
        self.starts += 1;
        for consumer in self.consumers.values_mut() {
            consumer.next = consumer.next.min(self.events.last + 1);
        }
        self.cut("the server stopped");
    }

    pub(super) fn copy(&self) -> StoredCopy {
        let Self { events, dead_letters, notes, consumers, .. } = self;
        StoredCopy {
            events: events.clone(),
            dead_letters: dead_letters.clone(),
            notes: notes.clone(),
            consumers: consumers.clone(),
        }
    }

    pub(super) fn put_back(&mut self, copy: &StoredCopy) {
        let StoredCopy { events, dead_letters, notes, consumers } = copy.clone();
        self.removed.extend(self.events.without(&events));
        (self.events, self.dead_letters, self.notes, self.consumers) = (events, dead_letters, notes, consumers);
        self.restart();
    }

    pub(super) fn forget_before(&mut self, sequence: u64) {
        self.removed.extend(self.events.remove(&(..sequence)));
    }

    /// Loses messages of a stream.
    pub(super) fn lose(&mut self, stream: Stream, sequences: &impl RangeBounds<u64>) {
        let lost = self.stream_mut(stream).lose(sequences);
        self.removed.extend(lost);
    }

    pub(super) fn recreate(&mut self) {
        self.removed.extend(std::mem::take(&mut self.events.messages));
        self.events = StoredStream { created: self.events.created + 1, ..StoredStream::default() };
        self.consumers.clear();
    }
}
