//! A consumer of the stream of events in memory.

use std::collections::VecDeque;

use hashbrown::HashSet;

use super::stored_stream::StoredStream;
use crate::bus::{ConsumerInfo, Delivery, Stored};
use crate::wire::subject::{matches, split_last_token};

/// The subjects that a consumer receives.
#[derive(Clone)]
struct Filters {
    all: Vec<String>,
    /// Of filters as `order.create-payment.*`, what stands before the key.
    prefixes: HashSet<String>,
    /// The other filters.
    patterns: Vec<String>,
}

impl Filters {
    fn of(all: Vec<String>) -> Self {
        let (mut prefixes, mut patterns) = (HashSet::new(), Vec::new());
        for filter in &all {
            match filter.strip_suffix(".*").filter(|prefix| !prefix.contains(['*', '>'])) {
                Some(prefix) => drop(prefixes.insert(prefix.to_owned())),
                None => patterns.push(filter.clone()),
            }
        }
        Self { all, prefixes, patterns }
    }

    /// Whether one of them matches a subject.
    fn have(&self, subject: &str) -> bool {
        split_last_token(subject).is_some_and(|(prefix, _)| self.prefixes.contains(prefix))
            || self.patterns.iter().any(|filter| matches(filter, subject))
    }
}

/// A consumer: its next sequence, and its injected faults.
#[derive(Clone)]
pub(super) struct Consumer {
    is_subscriber: bool,
    filters: Filters,
    pub(super) next: u64,
    sent: u64,
    /// How many of the next messages are affected by stealing: every second one goes to an abandoned pull.
    pub(super) stolen: u64,
    pub(super) duplicates: u64,
    /// Why it sends nothing, if a test wants that.
    pub(super) unsuitable: Option<String>,
    counted: Counted,
}

/// How many messages a consumer has not been sent yet, as it was counted last. Every publisher asks once a second, also
/// about consumers that are sent nothing: only what was stored since then is counted.
#[derive(Clone, Copy, Default)]
struct Counted {
    /// Of which next sequence and state of the stream it is.
    next: u64,
    removals: u64,
    /// The last sequence that is counted.
    last: u64,
    pending: u64,
}

impl Consumer {
    pub(super) fn new(is_subscriber: bool, filters: Vec<String>) -> Self {
        Self {
            is_subscriber,
            filters: Filters::of(filters),
            next: 1,
            sent: 0,
            stolen: 0,
            duplicates: 0,
            unsuitable: None,
            counted: Counted::default(),
        }
    }

    pub(super) fn reset(&mut self, sequence: u64) {
        (self.next, self.sent) = (sequence, 0);
    }

    pub(super) fn wants(&self, subject: &str) -> bool {
        self.filters.have(subject)
    }

    /// Returns what there is to know about it, under its name.
    pub(super) fn info(&mut self, name: &str, events: &StoredStream) -> ConsumerInfo {
        let pending = self.pending(events);
        ConsumerInfo {
            consumer: name.to_owned(),
            is_subscriber: self.is_subscriber,
            filters: self.filters.all.clone(),
            delivered: self.next.saturating_sub(1),
            sent: self.sent,
            pending,
            unsuitable: self.unsuitable.clone(),
        }
    }

    fn pending(&mut self, events: &StoredStream) -> u64 {
        let mut counted = self.counted;
        if (counted.next, counted.removals) != (self.next, events.removals) {
            let last = self.next.saturating_sub(1);
            counted = Counted { next: self.next, removals: events.removals, last, pending: 0 };
        }
        let new = events.after(counted.last).filter(|stored| self.wants(&stored.envelope.subject));
        counted.pending += new.count() as u64;
        counted.last = counted.last.max(events.last);
        self.counted = counted;
        counted.pending
    }

    pub(super) fn send(&mut self, stored: &Stored, deliveries: &mut VecDeque<Delivery>) {
        self.next = stored.sequence + 1;
        self.sent += 1;
        self.stolen = self.stolen.saturating_sub(1);
        if self.stolen % 2 == 1 {
            return;
        }
        let copy = |consumer_sequence, delivered| Delivery {
            stream_sequence: stored.sequence,
            consumer_sequence,
            delivered,
            stamp_ns: stored.stamp_ns(),
            envelope: stored.envelope.clone(),
            unreadable: stored.unreadable.clone(),
        };
        deliveries.push_back(copy(self.sent, 1));
        if self.duplicates > 0 {
            self.duplicates -= 1;
            self.sent += 1;
            deliveries.push_back(copy(self.sent, 2));
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::wire::envelope::Envelope;

    #[test]
    fn what_is_pending_is_counted_right_after_whatever_happens_to_stream_and_consumer() {
        let (mut events, mut consumer) = (StoredStream::default(), Consumer::new(true, vec!["a.b.*".to_owned()]));
        let store = |events: &mut StoredStream, subject: &str| {
            events.last += 1;
            let envelope = Envelope { subject: subject.into(), ..Envelope::default() };
            let at = Timestamp::UNIX_EPOCH;
            events.messages.push_back(Stored { sequence: events.last, at, envelope, unreadable: None });
        };
        for _ in 0..4 {
            ["a.b.1", "a.c.1", "a.b.2"].iter().for_each(|subject| store(&mut events, subject));
        }
        assert_eq!(consumer.info("a-0", &events).pending, 8);
        store(&mut events, "a.b.3");
        assert_eq!(consumer.info("a-0", &events).pending, 9);
        consumer.next = 4;
        assert_eq!(consumer.info("a-0", &events).pending, 7);
        events.lose(&(12..));
        assert_eq!(consumer.info("a-0", &events).pending, 5);
        store(&mut events, "a.b.4");
        store(&mut events, "a.b.5");
        assert_eq!(consumer.info("a-0", &events).pending, 7);
        consumer.reset(1);
        assert_eq!(consumer.info("a-0", &events).pending, 9);
    }

    #[test]
    fn filters_have_what_one_of_them_matches() {
        let filters = ["order.create-payment.*", "*.cancel-payment.*", "wallet.>", "till.sale.7"];
        let subjects = [
            "order.create-payment.o1",
            "order.create-payment",
            "order.create-payment.o1.x",
            "delivery.cancel-payment.o1",
            "wallet.a.b.c",
            "wallet",
            "till.sale.7",
            "till.sale.8",
        ];
        for filter in filters {
            let known = Filters::of(vec![filter.to_owned()]);
            for subject in subjects {
                assert_eq!(known.have(subject), matches(filter, subject), "{filter} {subject}");
            }
        }
        let all = Filters::of(filters.map(str::to_owned).to_vec());
        let had = subjects.map(|subject| all.have(subject));
        assert_eq!(had, subjects.map(|subject| filters.iter().any(|filter| matches(filter, subject))));
    }
}
