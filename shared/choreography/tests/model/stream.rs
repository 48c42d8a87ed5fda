//! The server's stream, with everything that a server can lose.

use std::collections::BTreeMap;

use crate::checkpoints::{Checkpoint, StreamView};
use crate::message::{Id, Message, ServiceName, Tick};
use crate::outbox::RowName;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Stored {
    message: Message,
    stamp: u64,
    at: Tick,
}

/// The stream `EVENTS`. Every loss comes with a restart of the server, so connections end.
pub(crate) struct Stream {
    messages: BTreeMap<u64, Stored>,
    first: u64,
    last: u64,
    stamps: u64,
    created: u64,
    copies: Vec<(BTreeMap<u64, Stored>, u64, u64)>,
    /// How often the server was started.
    pub starts: u64,
    /// After how many ticks the limits drop a message.
    pub age_max: Option<Tick>,
    /// The time.
    pub now: Tick,
    /// What the server lost, for the checks, and for how long it had been stored at most when that happened.
    pub lost: BTreeMap<RowName, Tick>,
    /// When each id was stored first, for the checks.
    pub first_stored: BTreeMap<Id, u64>,
}

impl Stream {
    /// Makes an empty stream.
    pub(crate) fn new(age_max: Option<Tick>) -> Self {
        let (lost, first_stored) = (BTreeMap::new(), BTreeMap::new());
        let (messages, copies) = (BTreeMap::new(), Vec::new());
        Self {
            messages,
            first: 1,
            last: 0,
            stamps: 0,
            created: 1,
            copies,
            starts: 1,
            age_max,
            now: 0,
            lost,
            first_stored,
        }
    }

    /// Stores a message, and returns its place.
    pub(crate) fn append(&mut self, message: Message) -> Checkpoint {
        self.last += 1;
        self.stamps += 1;
        self.messages.insert(self.last, Stored { message, stamp: self.stamps, at: self.now });
        self.first_stored.entry(message.id).or_insert(self.stamps);
        Checkpoint { sequence: self.last, stamp: self.stamps, deleted: self.deleted() }
    }

    /// Whether the stream has a row.
    pub(crate) fn has(&self, (series, number): RowName) -> bool {
        self.messages.values().any(|stored| (stored.message.series, stored.message.number) == (series, number))
    }

    /// Returns the sequence of the last message that is stored.
    pub(crate) fn last(&self) -> u64 {
        self.messages.last_key_value().map_or(self.first - 1, |(sequence, _)| *sequence)
    }

    /// Returns the newest stamp that was given.
    pub(crate) fn newest_stamp(&self) -> u64 {
        self.stamps
    }

    /// Returns up to `limit` messages after a sequence.
    pub(crate) fn after(&self, sequence: u64, limit: usize) -> Vec<(Message, Checkpoint)> {
        let deleted = self.deleted();
        let place = |sequence: u64, stored: &Stored| Checkpoint { sequence, stamp: stored.stamp, deleted };
        let found = self.messages.range(sequence + 1..).take(limit);
        found.map(|(sequence, stored)| (stored.message, place(*sequence, stored))).collect()
    }

    /// Returns a publisher's messages after a sequence.
    pub(crate) fn published_by(&self, publisher: ServiceName, sequence: u64) -> Vec<(Message, Checkpoint)> {
        let mut found = self.after(sequence, usize::MAX);
        found.retain(|(message, _)| message.series.publisher == publisher);
        found
    }

    /// Returns the place before the first message that is stamped later than this.
    pub(crate) fn before_stamp(&self, stamp: u64) -> Checkpoint {
        let later = self.messages.iter().find(|(_, stored)| stored.stamp > stamp).map(|(sequence, _)| *sequence);
        let sequence = later.unwrap_or(self.last + 1) - 1;
        let stamp = self.stamp_at(sequence).unwrap_or(0);
        Checkpoint { sequence, stamp, deleted: self.deleted() }
    }

    /// Restarts the server.
    pub(crate) fn restart(&mut self) {
        self.starts += 1;
    }

    /// Loses the last messages: they were not synced. Their sequences are given again.
    pub(crate) fn lose_tail(&mut self, count: u64) {
        let count = count.min(self.last + 1 - self.first);
        (self.last + 1 - count..=self.last).for_each(|sequence| self.lose(sequence));
        self.last -= count;
        self.restart();
    }

    /// Loses messages in the middle: a block is damaged.
    pub(crate) fn lose_hole(&mut self, from_last: u64, count: u64) {
        if self.last >= self.first + 3 {
            let last = self.last - 1 - from_last % (self.last - self.first - 1);
            let first = last.saturating_sub(count).max(self.first + 1);
            (first..=last).for_each(|sequence| self.lose(sequence));
            self.restart();
        }
    }

    /// Loses the first messages: the first block is damaged.
    pub(crate) fn lose_head(&mut self, count: u64) {
        if self.last >= self.first + 2 {
            let first = self.first + 1 + count % (self.last - self.first - 1);
            (self.first..first).for_each(|sequence| self.lose(sequence));
            self.first = first;
            self.restart();
        }
    }

    /// Loses everything: the stream is made anew.
    pub(crate) fn recreate(&mut self) {
        (self.first..=self.last).for_each(|sequence| self.lose(sequence));
        (self.first, self.last, self.created) = (1, 0, self.created + 1);
        self.copies.clear();
        self.restart();
    }

    /// Copies the server's files.
    pub(crate) fn copy(&mut self) {
        self.copies.push((self.messages.clone(), self.first, self.last));
    }

    /// Puts the server's files back to one of the copies.
    pub(crate) fn put_back(&mut self, which: usize) {
        let Some(copy) = self.copies.get(which % self.copies.len().max(1)).cloned() else { return };
        let gone = self.messages.iter().filter(|(sequence, stored)| copy.0.get(sequence) != Some(stored));
        let gone: Vec<u64> = gone.map(|(sequence, _)| *sequence).collect();
        gone.into_iter().for_each(|sequence| self.lose(sequence));
        (self.messages, self.first, self.last) = copy;
        self.restart();
        self.drop_old();
    }

    /// Drops what the limits don't keep, from the first message on.
    pub(crate) fn drop_old(&mut self) {
        let Some(age_max) = self.age_max else { return };
        let is_old = |stored: &Stored| stored.at + age_max < self.now;
        while self.first <= self.last && self.messages.get(&self.first).is_none_or(is_old) {
            self.messages.remove(&self.first);
            self.first += 1;
        }
    }

    fn lose(&mut self, sequence: u64) {
        if let Some(stored) = self.messages.remove(&sequence) {
            let name = (stored.message.series, stored.message.number);
            let stored_for = self.lost.entry(name).or_default();
            *stored_for = (*stored_for).max(self.now - stored.at);
        }
    }
}

impl StreamView for Stream {
    fn created(&self) -> u64 {
        self.created
    }

    fn first_sequence(&self) -> u64 {
        self.first
    }

    fn deleted(&self) -> u64 {
        (self.last + 1 - self.first) - self.messages.len() as u64
    }

    fn stamp_at(&self, sequence: u64) -> Option<u64> {
        self.messages.get(&sequence).map(|stored| stored.stamp)
    }
}
