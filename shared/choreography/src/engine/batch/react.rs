//! Calls the queued functions one after the other, in memory; each sees what the earlier ones changed.
//!
//! Rows are loaded with one statement a table, for all queued functions. A function that fails or panics leaves no
//! trace.

use super::{Action, Attempt, AttemptError, RowKey, Session, WorkItem};
use crate::declare::call::{CheckIdempotence, Reacted};
use crate::declare::guarded::guarded;
use crate::declare::stored_row::UnreadableRow;
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;
use crate::engine::execute::ExecuteError;
use crate::fault::FaultyFunction;
use crate::planted::{PlantedBug, planted};
use crate::store::{Loaded, StoreError, Wanted};
use crate::wire::envelope::Envelope;
use crate::wire::repair::RepairOutcome;
use crate::wire::role::Role;
use crate::wire::series::{OF_COMMAND, OF_EFFECT};

impl<'a> Attempt<'a> {
    /// Collects which rows a function needs. A panic in `Concerns` happens again, and is contained, when the function
    /// is called.
    pub(super) fn want(&mut self, want: impl FnOnce(&mut Tables)) {
        let tables = &mut self.tables;
        let _ = guarded(|| want(tables));
    }

    /// Loads what is wanted, and the rows that functions need.
    pub(super) async fn fetch(&mut self, session: &mut Session<'_>, wanted: Wanted) -> Result<Loaded, StoreError> {
        let tables = self.tables.take_wanted();
        let (tables, rows): (Vec<_>, Vec<(&'static str, Vec<String>)>) =
            tables.into_iter().map(|(table, name, keys)| (table, (name, keys))).unzip();
        let waited_for = rows.iter().flat_map(|(table, keys)| keys.iter().map(|key| (*table, key.clone())));
        let wanted = Wanted { waited_for: waited_for.collect(), rows, ..wanted };
        let mut loaded = session.load(&wanted).await?;
        for (table, found) in tables.into_iter().zip(std::mem::take(&mut loaded.rows)) {
            self.unreadable_rows.extend(self.tables.fill(table, found));
        }
        self.take_older(std::mem::take(&mut loaded.waiting));
        Ok(loaded)
    }

    /// Loads the rows that the queued functions need and that are not loaded. Returns whether there were any.
    async fn load_missing(&mut self, session: &mut Session<'_>) -> Result<bool, StoreError> {
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

    /// Calls the queued functions. Messages that wait for a row come next as soon as a function has created it.
    pub(super) async fn react(&mut self, session: &mut Session<'_>) -> Result<(), AttemptError> {
        while let Some(item) = self.queue.pop_front() {
            let Some(item) = self.admit(item)? else { continue };
            let changes = self.tables.changed();
            match self.call(&item) {
                Ok(Ok(reacted)) => {
                    let changed = self.tables.changed() > changes || !reacted.outgoing.is_empty();
                    self.settle(item, reacted, changed);
                    self.wake();
                }
                Ok(Err(Unready::NotLoaded)) => {
                    self.queue.push_front(item);
                    if !self.load_missing(session).await? {
                        let item = self.queue.pop_front();
                        item.into_iter().for_each(|item| self.fail(item, "its rows can't be loaded".to_owned()));
                    }
                }
                Ok(Err(Unready::Missing { table, key })) => self.miss(item, (table, key)),
                Ok(Err(Unready::Unreadable { table, key, problem })) => {
                    self.unreadable(item, UnreadableRow { table, key, problem });
                }
                Ok(Err(Unready::NotJson(detail))) => self.fail(item, detail),
                Ok(Err(Unready::TooLarge(detail))) => self.unpublishable(item, ExecuteError::TooLarge(detail)),
                Ok(Err(Unready::InvalidKey(_, invalid))) => self.unpublishable(item, invalid.into()),
                Err(panic) => self.fail(item, panic),
            }
        }
        Ok(())
    }

    /// Calls one function and returns what it returned; the outer error is the text of a panic.
    fn call(&mut self, item: &WorkItem<'_>) -> Result<Result<Reacted, Unready>, String> {
        let (tables, check) = (&mut self.tables, CheckIdempotence(self.envelopes.settings.check_idempotence));
        let fault = self.envelopes.settings.fault.as_ref();
        guarded(|| match &item.action {
            Action::React { handler, message }
                if planted(PlantedBug::TombstoneOmitted)
                    && handler.role == Role::Compensation
                    && has_no_row(tables, &message.envelope) =>
            {
                Ok(Reacted::default())
            }
            Action::React { handler, message } => {
                if let Some(fault) = fault {
                    fault.strike(FaultyFunction::Reaction, handler.message, &message.envelope.payload);
                }
                handler.react(&item.input, tables, check)
            }
            Action::Execute { handler, .. } => handler.react(&item.input, tables, check),
            Action::Fallback { fallback, .. } => fallback.react(&item.input, tables, check),
            Action::PublishEffectResult { outgoing } => {
                Ok(Reacted { outgoing: outgoing.clone(), ..Reacted::default() })
            }
            Action::QueueEffect { unless, .. } => {
                Ok(Reacted { obsolete: unless.reason(&item.input, tables)?, ..Reacted::default() })
            }
        })
    }

    /// Publishes what a function returned, and replies to the caller of a command.
    fn settle(&mut self, item: WorkItem<'a>, reacted: Reacted, changed: bool) {
        match item.action {
            Action::React { handler, message } => {
                self.publish(reacted.outgoing, &item.cause, "on");
                if !handler.kind.receives_messages() {
                    return; // a `.then`: its effect is finished
                }
                if self.choreography.effect_handler(handler.message).is_some() {
                    // The repair is recorded when the effect is finished.
                    self.queue_effect(message, item.cause);
                } else {
                    let (outcome, detail) = match changed {
                        true => (RepairOutcome::Done, "done"),
                        false => (RepairOutcome::Nothing, "it changed nothing and published nothing"),
                    };
                    self.record_repair(&message.envelope, outcome, detail);
                }
            }
            Action::Fallback { .. } => {
                if planted(PlantedBug::FallbackPublishedTwice) {
                    self.publish(reacted.outgoing.clone(), &item.cause, "fallback");
                }
                self.publish(reacted.outgoing, &item.cause, "fallback");
            }
            Action::PublishEffectResult { .. } => self.publish(reacted.outgoing, &item.cause, OF_EFFECT),
            Action::QueueEffect { message, .. } => match reacted.obsolete {
                Some(reason) => self.skip_effect(&message.envelope, &reason),
                None => self.add_effect(&message),
            },
            Action::Execute { index, idempotency, .. } => {
                self.publish(reacted.outgoing, &item.cause, OF_COMMAND);
                let no_reply = || ExecuteError::Failed("the command's function has no reply".to_owned());
                let outcome = match reacted.rejected {
                    Some(rejected) => Err(ExecuteError::Rejected(rejected)),
                    None => reacted.reply.ok_or_else(no_reply),
                };
                self.reply(index, idempotency, outcome);
            }
        }
    }

    /// Handles a function that needs a row which does not exist: a message waits for it, a caller gets an error.
    fn miss(&mut self, item: WorkItem<'a>, row: RowKey) {
        match item.action {
            Action::Execute { index, idempotency, .. } => {
                let (table, key) = row;
                self.reply(index, idempotency, Err(ExecuteError::Missing { table: table.to_owned(), key }));
            }
            _ => self.wait_for_creation(item, row),
        }
    }

    /// Handles a function that takes an unreadable row: a compensation waits until the row is mended, any other message
    /// dies, and a caller gets an error.
    fn unreadable(&mut self, item: WorkItem<'a>, row: UnreadableRow) {
        match &item.action {
            Action::React { handler, .. } if handler.role == Role::Compensation => {
                self.wait_for_mending(item, (row.table, row.key));
            }
            Action::Execute { index, idempotency, .. } => {
                let (table, key, problem) = (row.table.to_owned(), row.key, row.problem);
                self.reply(*index, *idempotency, Err(ExecuteError::Unreadable { table, key, problem }));
            }
            _ => self.fail(item, row.to_string()),
        }
    }
}

/// Whether none of the loaded rows has the key of a message.
fn has_no_row(tables: &Tables, envelope: &Envelope) -> bool {
    let key = envelope.parts().map_or("", |(_, _, key)| key);
    tables.names().iter().all(|table| !tables.exists(table, key))
}
