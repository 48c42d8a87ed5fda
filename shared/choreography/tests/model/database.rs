//! What one service stores. It is put back to an older copy as a whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoints::{Checkpoint, CheckpointHistory};
use crate::message::{Id, Kind, Message, Series, ServiceName, Tick};
use crate::numbers::ReceivedNumbers;
use crate::outbox::{OutboxRow, RowName};

/// The row `head`.
#[derive(Clone, Default)]
pub(crate) struct Head {
    /// Counts the leaders.
    pub epoch: u64,
    /// Which instance leads, until when.
    pub lease: Option<(usize, Tick)>,
    /// What was read and committed.
    pub position: Checkpoint,
    /// How many messages the stream lacked when it was looked at last.
    pub deleted: u64,
    /// The stream that the position belongs to.
    pub stream_created: u64,
    /// The server start for which the stream was read once more, where that is the rule.
    pub looked_back: u64,
    /// Whether an operator has to decide where to go on.
    pub halted: bool,
}

/// Since when a kind is received.
#[derive(Clone, Copy)]
pub(crate) struct Subscription {
    /// The newest stamp when the service was deployed or took the kind up, for the checks.
    pub deployed_at: u64,
    /// Outboxes up to this one had begun at that time, and are not received from their first number on.
    pub since_outbox: u64,
}

/// A message that was processed.
#[derive(Clone, Copy)]
pub(crate) struct Processed {
    /// Its id.
    pub id: Id,
    /// Its kind.
    pub kind: Kind,
    /// The order it concerns.
    pub key: u8,
}

/// A service's database.
#[derive(Clone, Default)]
pub(crate) struct Database {
    /// The row `head`.
    pub head: Head,
    /// The table `checkpoints`: positions that were committed before.
    pub checkpoints: CheckpointHistory,
    /// The table `received`.
    pub received: ReceivedNumbers,
    /// When a message of a series came last; a column of `received`.
    pub received_at: BTreeMap<Series, Tick>,
    /// The table `subscriptions`.
    pub subscriptions: BTreeMap<Kind, Subscription>,
    /// Numbers that were reported lost and did not come since.
    pub reported: BTreeSet<RowName>,
    /// The table `outbox`, in the order of its commits.
    pub outbox: Vec<OutboxRow>,
    /// The table `given`: the highest number of each series.
    pub given: BTreeMap<Series, u64>,
    /// When a number of a series was given, or a row of it was deleted, last; a column of `given`.
    pub given_at: BTreeMap<Series, Tick>,
    /// The table `floors`: places in the stream below which no kept row is stored.
    pub floors: CheckpointHistory,
    /// Messages that are to be published later.
    pub scheduled: Vec<(Id, u8)>,
    /// What it did, for the checks: stands for the service's own rows.
    pub processed: Vec<Processed>,
    /// What it published or is to publish, for the checks.
    pub committed: BTreeSet<Id>,
    /// What died here instead of being published.
    pub dead: BTreeSet<Id>,
}

/// A row that is to be published.
#[derive(Clone, Copy)]
pub(crate) struct NewRow {
    /// Its kind.
    pub kind: Kind,
    /// Its id: a reaction that is run again derives the same.
    pub id: Id,
    /// The order it concerns.
    pub key: u8,
    /// Whether the server refuses it for good.
    pub refused: bool,
}

impl Database {
    /// Inserts an outbox row with the next number of its series, and returns its name.
    ///
    /// Nothing is inserted if the kept rows have its id already and `skip_known_id` is set.
    pub(crate) fn insert(&mut self, series: Series, row: NewRow, skip_known_id: bool) -> Option<RowName> {
        self.committed.insert(row.id);
        if skip_known_id && self.outbox.iter().any(|kept| kept.message.id == row.id && !kept.message.placeholder) {
            return None;
        }
        let number = self.given.get(&series).copied().unwrap_or(0) + 1;
        self.given.insert(series, number);
        let message = Message { series, number, id: row.id, key: row.key, placeholder: false };
        self.outbox.push(OutboxRow { message, refused: row.refused, noted: None });
        Some((series, number))
    }

    /// Inserts an own message that was found in the stream, and schedules it no more.
    pub(crate) fn adopt(&mut self, message: Message) {
        let given = self.given.entry(message.series).or_default();
        *given = message.number.max(*given);
        self.committed.insert(message.id);
        self.scheduled.retain(|(id, _)| *id != message.id);
        if message.placeholder {
            self.dead.insert(message.id);
        }
        self.outbox.push(OutboxRow { message, refused: false, noted: None });
    }

    /// Whether numbers of the series are expected from 1 on.
    pub(crate) fn expects_one(&self, series: Series) -> bool {
        self.subscriptions.get(&series.kind).is_some_and(|since| series.outbox > since.since_outbox)
    }

    /// Removes the series that a publisher's note does not name, and of which nothing came since a time.
    pub(crate) fn forget_received(&mut self, publisher: ServiceName, published: &BTreeMap<Series, u64>, since: Tick) {
        let received_at = &self.received_at;
        let is_old = |series: &Series| received_at.get(series).is_none_or(|at| *at < since);
        let is_over =
            |series: &Series| series.publisher == publisher && !published.contains_key(series) && is_old(series);
        self.received.retain(|series| !is_over(series));
    }
}
