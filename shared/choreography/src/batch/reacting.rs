//! Functions are called one after the other, in memory; a later one sees what the earlier ones changed.
//!
//! Rows are loaded once a table for all that are queued. A function that fails or panics leaves no trace.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Arrival, Attempt, Does, Item, Session};
use crate::envelope::{Envelope, Heading};
use crate::letters::Outcome;
use crate::message::Reason;
use crate::saying::{Cause, Death};
use crate::step::{CheckLaw, Reacted};
use crate::store::{Loaded, StoreError, Wanted};
use crate::tables::{Tables, Unready};
use crate::tell::TellError;

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
            self.tables.fill(table, found).map_err(StoreError::Database)?;
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
                        let changed = self.tables.changed() > changes || !reacted.said.is_empty();
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
                    Ok(Err(Unready::TooLarge(detail))) => self.too_large(item, detail),
                    Err(panic) => self.fail(item, panic),
                }
            }
            if !self.wake(session).await? {
                return Ok(());
            }
        }
    }

    /// Calls one function; the outer error is what it said when it panicked.
    fn call(&mut self, item: &Item<'_>) -> Result<Result<Reacted, Unready>, String> {
        let (tables, law) = (&mut self.tables, CheckLaw(self.voice.settings.check_law));
        #[cfg(debug_assertions)]
        let fault = self.voice.settings.fault.as_ref();
        let call = AssertUnwindSafe(|| match &item.does {
            #[cfg(debug_assertions)]
            Does::React { step, message } if fault.is_some() => {
                fault.inspect(|fault| fault.strike(step.message, &message.envelope.payload));
                step.react(&item.opened, tables, law)
            }
            Does::React { step, .. } | Does::Command { step, .. } => step.react(&item.opened, tables, law),
            Does::Otherwise { otherwise } => otherwise.react(&item.opened, tables),
            Does::Answer { said } => Ok(Reacted { said: said.clone(), answer: None, refused: None }),
        });
        catch_unwind(call).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("panicked: {}", text.unwrap_or("without a word"))
        })
    }

    fn settle(&mut self, item: Item<'_>, reacted: Reacted, changed: bool) {
        match item.does {
            Does::React { step, message } => {
                self.say(reacted.said, &item.cause, "on");
                // An effect of the same message answers for both when it is over.
                if step.kind.is_heard() && self.choreography.effect_step(step.message).is_none() {
                    let outcome = if changed { Outcome::Done } else { Outcome::Nothing };
                    let detail = if changed { "done" } else { "it changed nothing, and said nothing" };
                    self.answer_repair(&message.envelope, outcome, detail);
                }
            }
            Does::Otherwise { .. } => self.say(reacted.said, &item.cause, "otherwise"),
            Does::Answer { .. } => self.say(reacted.said, &item.cause, "effect"),
            Does::Command { call, once, .. } => {
                self.say(reacted.said, &item.cause, "on");
                let outcome = match (reacted.refused, reacted.answer) {
                    (Some(refused), _) => Err(TellError::Refused(refused)),
                    (None, Some((answer, json))) => Ok((answer, json)),
                    (None, None) => Err(TellError::Missing),
                };
                self.reply(call, once, outcome);
            }
        }
    }

    /// A row is missing: a message is tried again when it appears, a caller is told.
    fn miss(&mut self, item: Item<'a>, row: (&'static str, String)) {
        match item.does {
            Does::Command { call, once, .. } => self.reply(call, once, Err(TellError::Missing)),
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
        let Some((step, key)) = envelope.parts().and_then(|(_, name, key)| Some((self.choreography.step(name)?, key)))
        else {
            return false;
        };
        match step.open(&envelope.payload, key, heading.id, self.voice.now) {
            Ok(opened) => {
                let cause = Cause::of(&heading, step.kind);
                let (id, expiry) = (heading.id, heading.expiry);
                let message = Box::new(Arrival { id, expiry, envelope, sequence: None });
                self.queue.push_back(Item { does: Does::React { step, message }, opened, cause });
            }
            Err(detail) => {
                self.die_in_turn(&envelope, Death { reason: Reason::Poison, detail, tries: 1 });
            }
        }
        true
    }
}
