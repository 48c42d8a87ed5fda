//! Messages that need a row which does not exist: they wait in the database until it is created, and die if they expire
//! before.

use super::envelopes::Cause;
use super::{Action, Attempt, ReceivedMessage, Session, WorkItem};
use crate::store::{ScheduleChange, ScheduledRow, StoreError, WaitingRow, Wanted};
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::role::Role;

/// The table and the key of a row that does not exist.
pub(super) type MissingRow = (&'static str, String);

impl Attempt<'_> {
    /// Publishes the scheduled messages that are due, and lets waiting messages die that have expired.
    pub(super) fn take_due(&mut self, due: Vec<ScheduledRow>, expired: Vec<WaitingRow>) {
        for row in due {
            let Some(row) = self.publish_unrepaired_again(row) else { continue };
            self.changes.scheduled.push(ScheduleChange::Remove { name: row.name, key: row.key });
            self.outgoing.push(row.envelope);
        }
        for row in expired {
            self.changes.waited.push(row.id);
            let detail = format!("expired: it waited for {} {:?}", row.table, row.key);
            self.die_in_turn(&row.envelope, Death { reason: Reason::Expired, detail, tries: 0 });
        }
    }

    /// Queues the messages that waited for rows which this batch has created. Returns whether there were any.
    pub(super) async fn wake(&mut self, session: &mut Session<'_>) -> Result<bool, StoreError> {
        if !self.any_waits && self.postponed.is_empty() {
            return Ok(false);
        }
        let created: Vec<_> = self.tables.created().into_iter().filter(|row| !self.woken.contains(row)).collect();
        if created.is_empty() {
            return Ok(false);
        }
        let mut woken = false;
        let wanted = Wanted { waited_for: created.clone(), ..Wanted::default() };
        let waiting = if self.any_waits { session.load(&wanted).await?.waiting } else { Vec::new() };
        for row in waiting {
            if self.changes.waited.contains(&row.id) {
                continue;
            }
            self.changes.waited.push(row.id);
            woken |= self.queue_woken(&row.envelope);
        }
        let postponed = std::mem::take(&mut self.postponed);
        let (ready, still_postponed): (Vec<_>, _) = postponed.into_iter().partition(|(_, row)| created.contains(row));
        self.postponed = still_postponed;
        woken |= !ready.is_empty();
        self.queue.extend(ready.into_iter().map(|(item, _)| item));
        self.woken.extend(created);
        Ok(woken)
    }

    /// Queues a message that waited in the database, or lets it die if it can't be decoded. Whether there is a message
    /// to process. Expiry is not checked: it did not expire while it waited.
    fn queue_woken(&mut self, envelope: &Envelope) -> bool {
        let Ok(heading) = Heading::read(envelope) else { return false };
        let Some((_, name, key)) = envelope.parts() else { return false };
        let Some(handler) = self.choreography.handler(name) else { return false };
        let Some((_, version)) = heading.name_and_version() else { return false };
        match handler.decode(version, &envelope.payload, key, heading.id, self.envelopes.now) {
            Ok(input) => {
                let cause = Cause::of(&heading, handler.deadline(&heading));
                let message = Box::new(ReceivedMessage::stored(envelope, &heading));
                self.queue.push_back(WorkItem { action: Action::React { handler, message }, input, cause });
            }
            Err(detail) => self.die_in_turn(envelope, Death { reason: Reason::Poison, detail, tries: 1 }),
        }
        true
    }

    /// Stores the messages whose rows this batch has not created: they wait in the database.
    pub(super) fn leave_waiting(&mut self) {
        for (item, (table, key)) in std::mem::take(&mut self.postponed) {
            if let Action::React { handler, message } = item.action {
                let expiry = message.expiry.filter(|_| handler.role == Role::Step);
                self.changes.waiting.push(WaitingRow {
                    id: message.id,
                    table: table.to_owned(),
                    key,
                    expiry_ms: expiry.map(|expiry| expiry.as_millisecond()),
                    envelope: message.to_store(),
                });
            }
        }
    }
}
