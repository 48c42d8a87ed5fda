//! Functions are called one after the other, in memory; a later one sees what the earlier ones changed.
//!
//! Rows are loaded once a table for all that are queued. A function that fails or panics leaves no trace.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Action, Attempt, ReceivedMessage, Session, WorkItem};
use crate::declare::handler::{CheckIdempotence, Reacted};
use crate::declare::tables::{Tables, Unready};
use crate::engine::batch::envelopes::Cause;
use crate::engine::execute::ExecuteError;
use crate::store::{Loaded, StoreError, Wanted};
use crate::wire::dead_letter::Death;
use crate::wire::dead_letter::Reason;
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::repair::RepairOutcome;

impl<'a> Attempt<'a> {
    /// Notes what rows a function wants. A panic in `Concerns` is met again, and contained, when it is called.
    pub(super) fn want(&mut self, want: impl FnOnce(&mut Tables)) {
        let tables = &mut self.tables;
        let _ = catch_unwind(AssertUnwindSafe(|| want(tables)));
    }

    /// Fetches what is wanted, and the rows that are.
    pub(super) async fn fetch(&mut self, session: &mut Session<'_>, wanted: Wanted) -> Result<Loaded, StoreError> {
        let tables = self.tables.take_wanted();
        let (tables, rows): (Vec<_>, _) = tables.into_iter().map(|(table, name, keys)| (table, (name, keys))).unzip();
        let mut loaded = session.load(&Wanted { rows, ..wanted }).await?;
        self.any_waits = loaded.any_waits;
        for (table, found) in tables.into_iter().zip(std::mem::take(&mut loaded.rows)) {
            self.tables
                .fill(table, found)
                .map_err(|error| StoreError::database("reading the rows of a batch", error))?;
        }
        Ok(loaded)
    }

    /// Loads the rows that the queued functions want and that are not there. Whether there were any.
    async fn load(&mut self, session: &mut Session<'_>) -> Result<bool, StoreError> {
        for item in std::mem::take(&mut self.queue) {
            self.want(|tables| item.want(tables));
            self.queue.push_back(item);
        }
        let wants = self.tables.wants();
        if wants {
            self.fetch(session, Wanted::default()).await?;
        }
        Ok(wants)
    }

    pub(super) async fn react(&mut self, session: &mut Session<'_>) -> Result<(), StoreError> {
        loop {
            while let Some(item) = self.queue.pop_front() {
                let changes = self.tables.changed();
                match self.call(&item) {
                    Ok(Ok(reacted)) => {
                        let changed = self.tables.changed() > changes || !reacted.outgoing.is_empty();
                        self.settle(item, reacted, changed);
                    }
                    Ok(Err(Unready::NotLoaded)) => {
                        self.queue.push_front(item);
                        if !self.load(session).await? {
                            let item = self.queue.pop_front();
                            item.into_iter().for_each(|item| self.fail(item, "its rows can't be loaded".to_owned()));
                        }
                    }
                    Ok(Err(Unready::Missing { table, key })) => self.miss(item, (table, key)),
                    Ok(Err(Unready::TooLarge(detail))) => self.unpublishable(item, ExecuteError::TooLarge(detail)),
                    Ok(Err(Unready::InvalidKey(_, invalid))) => self.unpublishable(item, invalid.into()),
                    Err(panic) => self.fail(item, panic),
                }
            }
            if !self.wake(session).await? {
                return Ok(());
            }
        }
    }

    /// Calls one function; the outer error is what it said when it panicked.
    fn call(&mut self, item: &WorkItem<'_>) -> Result<Result<Reacted, Unready>, String> {
        let (tables, check) = (&mut self.tables, CheckIdempotence(self.envelopes.settings.check_idempotence));
        #[cfg(debug_assertions)]
        let fault = self.envelopes.settings.fault.as_ref();
        let call = AssertUnwindSafe(|| match &item.action {
            #[cfg(debug_assertions)]
            Action::React { handler, message } if fault.is_some() => {
                fault.inspect(|fault| fault.strike(handler.message, &message.envelope.payload));
                handler.react(&item.input, tables, check)
            }
            Action::React { handler, .. } | Action::Command { handler, .. } => {
                handler.react(&item.input, tables, check)
            }
            Action::Fallback { fallback } => fallback.react(&item.input, tables),
            Action::ErasedReply { outgoing } => Ok(Reacted { outgoing: outgoing.clone(), reply: None, refused: None }),
        });
        catch_unwind(call).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("panicked: {}", text.unwrap_or("without a word"))
        })
    }

    fn settle(&mut self, item: WorkItem<'_>, reacted: Reacted, changed: bool) {
        match item.action {
            Action::React { handler, message } => {
                self.publish(reacted.outgoing, &item.cause, "on");
                // An effect of the same message answers for both when it is over.
                if handler.kind.receives_messages() && self.choreography.effect_handler(handler.message).is_none() {
                    let outcome = if changed { RepairOutcome::Done } else { RepairOutcome::Nothing };
                    let detail = if changed { "done" } else { "it changed nothing, and said nothing" };
                    self.record_repair(&message.envelope, outcome, detail);
                }
            }
            Action::Fallback { .. } => self.publish(reacted.outgoing, &item.cause, "otherwise"),
            Action::ErasedReply { .. } => self.publish(reacted.outgoing, &item.cause, "effect"),
            Action::Command { call, idempotency, .. } => {
                self.publish(reacted.outgoing, &item.cause, "on");
                let outcome = match (reacted.refused, reacted.reply) {
                    (Some(refused), _) => Err(ExecuteError::Rejected(refused)),
                    (None, Some((reply, json))) => Ok((reply, json)),
                    (None, None) => Err(ExecuteError::Missing),
                };
                self.reply(call, idempotency, outcome);
            }
        }
    }

    /// A row is missing: a message is tried again when it appears, a caller is told.
    fn miss(&mut self, item: WorkItem<'a>, row: (&'static str, String)) {
        match item.action {
            Action::Command { call, idempotency, .. } => self.reply(call, idempotency, Err(ExecuteError::Missing)),
            _ => self.postponed.push((item, row)),
        }
    }

    /// Queues the messages that waited for rows which this batch brought. Whether there were any.
    async fn wake(&mut self, session: &mut Session<'_>) -> Result<bool, StoreError> {
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
            woken |= self.awake(row.envelope);
        }
        let (ready, still) =
            std::mem::take(&mut self.postponed).into_iter().partition(|(_, row)| created.contains(row));
        self.postponed = still;
        let ready: Vec<_> = ready;
        woken |= !ready.is_empty();
        self.queue.extend(ready.into_iter().map(|(item, _)| item));
        self.woken.extend(created);
        Ok(woken)
    }

    /// A message from the database is tried again, whatever time it is: it did not expire while it waited.
    fn awake(&mut self, envelope: Envelope) -> bool {
        let heading = match Heading::read(&envelope) {
            Ok(heading) => heading,
            Err(_) => return false,
        };
        let Some((handler, key)) =
            envelope.parts().and_then(|(_, name, key)| Some((self.choreography.handler(name)?, key)))
        else {
            return false;
        };
        match handler.decode(&envelope.payload, key, heading.id, self.envelopes.now) {
            Ok(input) => {
                let cause = Cause::of(&heading, handler.kind);
                let (id, expiry) = (heading.id, heading.expiry);
                let message = Box::new(ReceivedMessage { id, expiry, envelope, sequence: None });
                self.queue.push_back(WorkItem { action: Action::React { handler, message }, input, cause });
            }
            Err(detail) => {
                self.die_in_turn(&envelope, Death { reason: Reason::Poison, detail, tries: 1 });
            }
        }
        true
    }
}
