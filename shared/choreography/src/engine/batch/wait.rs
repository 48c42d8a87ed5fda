//! Messages that need a row which does not exist: they wait in the database until it is created, and die if they expire
//! before. Compensations also wait for a row that is unreadable: they are tried again once a minute.
//!
//! What must hold: messages that wait for one row are called in the order of the stream, the moment the row is created,
//! and before whatever came after.

use std::time::Duration;

use jiff::Timestamp;

use super::decode::expired;
use super::envelopes::Cause;
use super::{Action, Attempt, ReceivedMessage, WorkItem};
use crate::clock::later;
use crate::planted::{PlantedBug, planted};
use crate::store::{ScheduleChange, ScheduledRow, WaitingRow};
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::role::Role;

/// How often a compensation is tried again that waits for an unreadable row: an operator mends it, which nothing tells.
const UNREADABLE_TRIED_EVERY: Duration = Duration::from_secs(60);

/// The table and the key of a row.
pub(super) type RowKey = (&'static str, String);

/// A message that can't be processed in this batch yet.
pub(super) struct Postponed<'a> {
    item: WorkItem<'a>,
    row: RowKey,
    /// When it is tried again in any case; none if only the row's creation or its own expiry ends its waiting.
    retry: Option<Timestamp>,
}

impl<'a> Attempt<'a> {
    /// Lets a message wait until a row is created.
    pub(super) fn wait_for_creation(&mut self, item: WorkItem<'a>, row: RowKey) {
        self.postponed.push(Postponed { item, row, retry: None });
    }

    /// Lets a message wait until an unreadable row is mended.
    pub(super) fn wait_for_mending(&mut self, item: WorkItem<'a>, row: RowKey) {
        let retry = Some(later(self.envelopes.now, UNREADABLE_TRIED_EVERY));
        self.postponed.push(Postponed { item, row, retry });
    }

    /// Publishes the scheduled messages that are due, lets waiting messages die that have expired, and queues those that
    /// are to be tried again, before whatever came after them.
    pub(super) fn take_due(&mut self, due: Vec<ScheduledRow>, ended: Vec<WaitingRow>) {
        let (due, ended) = self.due_again(due, ended);
        for row in due {
            let Some(row) = self.publish_unrepaired_again(row) else { continue };
            self.changes.scheduled.push(ScheduleChange::Remove { name: row.name, key: row.key });
            if planted(PlantedBug::ScheduledPublishedTwice) {
                self.outgoing.push(row.envelope.clone());
            }
            self.outgoing.push(row.envelope);
        }
        let (ended, again): (Vec<_>, Vec<_>) = ended.into_iter().partition(|row| self.is_expired(&row.envelope));
        for row in ended {
            if self.take_waiting(&row) {
                self.die_in_turn(&row.envelope, expired(format!("it waited for {} {:?}", row.table, row.key)));
            }
        }
        self.call_next(again);
    }

    /// Whether a waiting message has expired. Only steps do.
    fn is_expired(&self, envelope: &Envelope) -> bool {
        let handler = envelope.parts().and_then(|(_, name, _)| self.choreography.handler(name));
        let expiry = Heading::read(envelope).ok().and_then(|heading| heading.expiry);
        handler.is_none_or(|handler| handler.role == Role::Step)
            && expiry.is_none_or(|expiry| expiry <= self.envelopes.now)
    }

    /// Takes the messages that wait in the database for rows which the batch has loaded. Those whose row exists by now come
    /// next; the others when a function creates it.
    pub(super) fn take_older(&mut self, waiting: Vec<WaitingRow>) {
        let (ready, older): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|row| self.tables.exists(&row.table, &row.key));
        self.older.extend(older);
        self.call_next(ready);
    }

    /// Queues the messages that wait for rows which functions have just created, before whatever came after them: those
    /// from the database first, because they are older than the batch.
    pub(super) fn wake(&mut self) {
        if self.older.is_empty() && self.postponed.is_empty() {
            return;
        }
        let created = self.tables.take_created();
        if created.is_empty() {
            return;
        }
        let postponed = std::mem::take(&mut self.postponed);
        let (ready, postponed): (Vec<_>, Vec<_>) = postponed.into_iter().partition(|one| created.contains(&one.row));
        self.postponed = postponed;
        for Postponed { item, .. } in ready.into_iter().rev() {
            self.queue.push_front(item);
        }
        let is_created = |row: &WaitingRow| created.iter().any(|(table, key)| *table == row.table && *key == row.key);
        let (ready, older): (Vec<_>, Vec<_>) = std::mem::take(&mut self.older).into_iter().partition(is_created);
        self.older = older;
        self.call_next(ready);
    }

    /// Queues messages from the database before all others, in the order of the stream.
    fn call_next(&mut self, rows: Vec<WaitingRow>) {
        let mut items = Vec::new();
        for row in rows {
            if self.take_waiting(&row) {
                items.extend(self.item_of(&row.envelope));
            }
        }
        items.sort_by_key(|(sequence, _)| *sequence);
        if planted(PlantedBug::OrderLostAcrossWait) {
            return self.queue.extend(items.into_iter().map(|(_, item)| item));
        }
        for (_, item) in items.into_iter().rev() {
            self.queue.push_front(item);
        }
    }

    /// Ends the waiting of a message. Whether it was waiting.
    fn take_waiting(&mut self, row: &WaitingRow) -> bool {
        let is_new = self.taken.insert(row.id);
        if is_new {
            self.changes.waited.push(row.id);
        }
        is_new
    }

    /// Returns the call of a message that waited in the database, with its sequence; that of its fallback if it can't be
    /// decoded. Expiry is not checked: it did not expire while it waited.
    fn item_of(&mut self, envelope: &Envelope) -> Option<(u64, WorkItem<'a>)> {
        let heading = Heading::read(envelope).ok()?;
        let (_, name, key) = envelope.parts()?;
        let (handler, (_, version)) = (self.choreography.handler(name)?, heading.name_and_version()?);
        let message = Box::new(ReceivedMessage::stored(envelope, &heading));
        let sequence = message.sequence();
        let item = match handler.decode(version, &envelope.payload, key, heading.id, self.envelopes.now) {
            Ok(input) => {
                let cause = Cause::of(&heading, handler.deadline(&heading));
                WorkItem { action: Action::React { handler, message }, input, cause }
            }
            Err(detail) => self.die(envelope, Death { reason: Reason::Poison, detail, tries: 1 })?,
        };
        Some((sequence, item))
    }

    /// Stores the messages whose rows this batch has not created: they wait in the database.
    pub(super) fn leave_waiting(&mut self) {
        for Postponed { item, row: (table, key), retry } in std::mem::take(&mut self.postponed) {
            if planted(PlantedBug::WaitingForgotten) {
                continue;
            }
            if let Action::React { handler, message } = item.action {
                let expires = handler.role == Role::Step && !planted(PlantedBug::WaitingNeverExpires);
                let expiry = message.expiry.filter(|_| expires);
                self.changes.waiting.push(WaitingRow {
                    id: message.id,
                    table: table.to_owned(),
                    key,
                    expiry_ms: expiry.into_iter().chain(retry).min().map(|moment| moment.as_millisecond()),
                    envelope: message.to_store(),
                });
            }
        }
    }
}
