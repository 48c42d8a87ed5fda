//! The life of a batch: open, load, react, commit. Everything is done to whatever has arrived, in order and in memory;
//! the database is asked once a table and written once.
//!
//! What must hold: a batch that fails leaves no trace, and done again it says the same messages.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use uuid::Uuid;

use crate::bus::Delivery;
use crate::choreography::Choreography;
use crate::envelope::{Envelope, Heading};
use crate::message::Reason;
use crate::opening::{Found, open};
use crate::saying::{Cause, Death, SEQUENCE_HEADER, Spoken, Voice};
use crate::settings::{BATCH_MAX, Settings};
use crate::step::{Answer, CheckLaw, Kind, Opened, Otherwise, Reacted, Step};
use crate::store::{
    Advance, Changes, EffectRow, InboxRow, LaterChange, StoreError, StoredAnswer, Transaction, WaitingRow,
};
use crate::tables::{Tables, Unready};
use crate::tell::{Call, TellError};
use crate::words::{Refused, Said};

/// What has arrived.
#[derive(Default)]
pub(crate) struct Arrived {
    pub deliveries: Vec<Delivery>,
    pub calls: Vec<Call>,
    pub effects: Vec<EffectOver>,
    /// Whether what is due by now has to be looked for.
    pub due: bool,
}

/// An effect that is over: done, with what it says, or tried for the last time.
pub(crate) struct EffectOver {
    pub row: EffectRow,
    pub outcome: Result<Vec<Said>, Death>,
}

/// What came of a batch.
pub(crate) struct Outcome {
    /// The number of the first thing said, and all that was said.
    pub outbox: (i64, Vec<Envelope>),
    /// The answers, in the order of the calls.
    pub replies: Vec<Result<Answer, TellError>>,
    pub effects_added: bool,
    pub due_changed: bool,
    pub heard: usize,
    pub ignored: usize,
    pub deaths: Vec<(String, Death)>,
}

/// One attempt at a batch.
pub(crate) struct Attempt<'a> {
    choreography: &'a Choreography,
    voice: Voice<'a>,
    tables: Tables,
    queue: VecDeque<Item<'a>>,
    /// Messages that miss a row, with the row that they miss.
    postponed: Vec<(Item<'a>, (&'static str, String))>,
    woken: HashSet<(&'static str, String)>,
    changes: Changes,
    replies: HashMap<usize, Result<Answer, TellError>>,
    heard: usize,
    ignored: usize,
    deaths: Vec<(String, Death)>,
}

/// One function to be called.
struct Item<'a> {
    does: Does<'a>,
    opened: Opened,
    cause: Cause,
}

enum Does<'a> {
    React { step: &'a Step, heading: Heading, envelope: Envelope },
    Otherwise { otherwise: &'a Otherwise },
    Command { step: &'a Step, call: usize, once: Option<&'a crate::tell::Once> },
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(choreography: &'a Choreography, settings: &'a Settings, now: Timestamp) -> Self {
        Self {
            choreography,
            voice: Voice { service: choreography.service, settings, now },
            tables: choreography.tables.emptied(),
            queue: VecDeque::new(),
            postponed: Vec::new(),
            woken: HashSet::new(),
            changes: Changes { now_ms: now.as_millisecond(), ..Changes::default() },
            replies: HashMap::new(),
            heard: 0,
            ignored: 0,
            deaths: Vec::new(),
        }
    }

    /// Does the batch, up to and including the commit.
    pub(crate) async fn run(
        mut self,
        mut transaction: Box<dyn Transaction>,
        arrived: &'a Arrived,
        advance: Option<Advance>,
    ) -> Result<Outcome, StoreError> {
        let transaction_ref = transaction.as_mut();
        self.open_deliveries(transaction_ref, &arrived.deliveries).await?;
        self.settle_effects(&arrived.effects);
        if arrived.due {
            self.take_due(transaction_ref).await?;
        }
        self.open_calls(transaction_ref, &arrived.calls).await?;
        self.load(transaction_ref).await?;
        self.react(transaction_ref).await?;
        self.finish(transaction, arrived, advance).await
    }

    async fn open_deliveries(&mut self, tx: &mut dyn Transaction, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let now = self.voice.now;
        let found: Vec<_> =
            deliveries.iter().map(|delivery| (delivery, open(self.choreography, &delivery.envelope, now))).collect();
        let ids: Vec<Uuid> = found
            .iter()
            .filter_map(|(_, found)| match found {
                Found::Foreign(_) => None,
                Found::Dead(heading, _) | Found::Alive(heading, _) => Some(heading.id),
            })
            .collect();
        let mut known = if ids.is_empty() { HashSet::new() } else { tx.heard(&ids).await? };
        for (delivery, found) in found {
            match found {
                Found::Foreign(problem) => {
                    self.ignored += 1;
                    tracing::debug!(subject = delivery.envelope.subject, problem, "ignored a foreign message");
                }
                Found::Dead(heading, _) | Found::Alive(heading, _) if !known.insert(heading.id) => {}
                Found::Dead(heading, death) => self.die(&stamped(delivery), Some(&heading), death),
                Found::Alive(heading, opened) => self.arrive(stamped(delivery), heading, opened),
            }
        }
        Ok(())
    }

    /// A message that is alive: queued for its reaction, its effect, or both.
    fn arrive(&mut self, envelope: Envelope, heading: Heading, opened: Option<Opened>) {
        self.heard += 1;
        self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: None });
        let name = envelope.parts().map_or("", |(_, name, _)| name);
        if self.choreography.effect_step(name).is_some() {
            self.changes.effects.push(EffectRow {
                number: 0,
                key: heading.subject.clone(),
                tries: 0,
                since_ms: self.changes.now_ms,
                due_ms: self.changes.now_ms,
                envelope: envelope.clone(),
            });
        }
        if let (Some(step), Some(opened)) = (self.choreography.step(name), opened) {
            let cause = Cause::of(&heading, step.kind);
            self.queue.push_back(Item { does: Does::React { step, heading, envelope }, opened, cause });
        }
    }

    fn settle_effects(&mut self, effects: &[EffectOver]) {
        for over in effects {
            self.changes.effects_done.push(over.row.number);
            let heading = Heading::read(&over.row.envelope).ok();
            match (&over.outcome, &heading) {
                (Ok(said), Some(heading)) => self.say(said.clone(), &Cause::of(heading, Kind::Effect), "effect"),
                (Err(death), _) => self.die(&over.row.envelope, heading.as_ref(), death.clone()),
                (Ok(_), None) => {}
            }
        }
    }

    /// What is to be said by now becomes an ordinary message; what has waited too long dies.
    async fn take_due(&mut self, tx: &mut dyn Transaction) -> Result<(), StoreError> {
        let now = self.voice.now;
        let limit = u32::try_from(BATCH_MAX).unwrap_or(u32::MAX);
        for row in tx.due(now, limit).await? {
            self.changes.later.push(LaterChange::Remove { name: row.name, key: row.key });
            self.changes.outbox.push(row.envelope);
        }
        for row in tx.expired(now, limit).await? {
            self.changes.waited.push(row.id);
            let heading = Heading::read(&row.envelope).ok();
            let detail = format!("expired: it waited in vain for {} {}", row.table, row.key);
            self.die(&row.envelope, heading.as_ref(), Death { reason: Reason::Expired, detail, tries: 0 });
        }
        Ok(())
    }

    async fn open_calls(&mut self, tx: &mut dyn Transaction, calls: &'a [Call]) -> Result<(), StoreError> {
        let keys: Vec<_> = calls.iter().filter_map(|call| call.once.as_ref().map(|once| once.key.clone())).collect();
        let known = if keys.is_empty() { Vec::new() } else { tx.answers(&keys).await? };
        for (number, call) in calls.iter().enumerate() {
            let known = known.iter().find(|known| call.once.as_ref().is_some_and(|once| once.key == known.key));
            if let Some(known) = known {
                self.replies.insert(number, recall(call, known));
                continue;
            }
            let Some(step) = self.choreography.command_step(call.message) else {
                let detail = format!("{} knows no command {}", self.choreography.service, call.message);
                self.replies.insert(number, Err(TellError::Failed(detail)));
                continue;
            };
            let cause = Cause { id: call.id, correlation: call.key.clone(), trace: call.trace.clone(), expiry: None };
            let does = Does::Command { step, call: number, once: call.once.as_ref() };
            self.queue.push_back(Item { does, opened: (call.opened)(self.voice.now), cause });
        }
        Ok(())
    }

    /// Loads what the queued functions want, until nothing more is wanted. Whether anything was loaded.
    async fn load(&mut self, tx: &mut dyn Transaction) -> Result<bool, StoreError> {
        let mut loaded = false;
        loop {
            for item in &self.queue {
                let tables = &mut self.tables;
                let want = AssertUnwindSafe(|| match &item.does {
                    Does::React { step, .. } | Does::Command { step, .. } => step.want(&item.opened, tables),
                    Does::Otherwise { otherwise } => otherwise.want(&item.opened, tables),
                });
                // A panic in `Concerns` is met again, and contained, when the function is called.
                let _ = catch_unwind(want);
            }
            let wanted = self.tables.take_wanted();
            if wanted.is_empty() {
                return Ok(loaded);
            }
            for (table, name, keys) in wanted {
                let found = tx.rows(name, &keys).await?;
                self.tables.fill(table, found).map_err(StoreError::Database)?;
                loaded = true;
            }
        }
    }

    async fn react(&mut self, tx: &mut dyn Transaction) -> Result<(), StoreError> {
        loop {
            while let Some(item) = self.queue.pop_front() {
                match self.call(&item) {
                    Ok(Ok(reacted)) => self.settle(item, reacted),
                    Ok(Err(Unready::NotLoaded)) => {
                        self.queue.push_front(item);
                        if !self.load(tx).await? {
                            let item = self.queue.pop_front();
                            item.into_iter().for_each(|item| self.fail(item, "its rows can't be loaded".to_owned()));
                        }
                    }
                    Ok(Err(Unready::Missing { table, key })) => self.miss(item, (table, key)),
                    Ok(Err(Unready::TooLarge(detail))) => self.too_large(item, detail),
                    Err(panic) => self.fail(item, panic),
                }
            }
            if !self.wake(tx).await? {
                return Ok(());
            }
            self.load(tx).await?;
        }
    }

    /// Calls one function; the outer error is what it said when it panicked.
    fn call(&mut self, item: &Item<'_>) -> Result<Result<Reacted, Unready>, String> {
        let (tables, law) = (&mut self.tables, CheckLaw(self.voice.settings.check_law));
        let call = AssertUnwindSafe(|| match &item.does {
            Does::React { step, .. } | Does::Command { step, .. } => step.react(&item.opened, tables, law),
            Does::Otherwise { otherwise } => otherwise.react(&item.opened, tables),
        });
        catch_unwind(call).map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("panicked: {}", text.unwrap_or("without a word"))
        })
    }

    fn settle(&mut self, item: Item<'_>, reacted: Reacted) {
        match item.does {
            Does::React { .. } => self.say(reacted.said, &item.cause, "on"),
            Does::Otherwise { .. } => self.say(reacted.said, &item.cause, "otherwise"),
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

    fn reply(&mut self, call: usize, once: Option<&crate::tell::Once>, outcome: Result<(Answer, String), TellError>) {
        if let Some((once, answer)) = once.zip(storable(&outcome)) {
            let (key, body_hash) = (once.key.clone(), once.body_hash.clone());
            self.changes.answers.push(StoredAnswer { key, body_hash, answer });
        }
        self.replies.insert(call, outcome.map(|(answer, _)| answer));
    }

    fn say(&mut self, said: Vec<Said>, cause: &Cause, role: &str) {
        for (place, said) in said.into_iter().enumerate() {
            match self.voice.speak(said, cause, role, place) {
                Spoken::Now(envelope) => self.changes.outbox.push(envelope),
                Spoken::Later(change) => self.changes.later.push(change),
            }
        }
    }

    /// A row is missing: a message is tried again when it appears, a caller is told.
    fn miss(&mut self, item: Item<'a>, row: (&'static str, String)) {
        match item.does {
            Does::Command { call, once, .. } => self.reply(call, once, Err(TellError::Missing)),
            Does::React { .. } | Does::Otherwise { .. } => self.postponed.push((item, row)),
        }
    }

    fn too_large(&mut self, item: Item<'_>, detail: String) {
        match item.does {
            Does::Command { call, once, .. } => self.reply(call, once, Err(TellError::TooLarge(detail))),
            Does::React { .. } | Does::Otherwise { .. } => self.fail(item, detail),
        }
    }

    /// A function failed for good.
    fn fail(&mut self, item: Item<'_>, detail: String) {
        match item.does {
            Does::React { envelope, heading, .. } => {
                self.die(&envelope, Some(&heading), Death { reason: Reason::Poison, detail, tries: 1 });
            }
            Does::Otherwise { .. } => {
                tracing::error!(cause = %item.cause.id, detail, "an `otherwise` failed: the story stays as it is");
            }
            Does::Command { call, once, .. } => self.reply(call, once, Err(TellError::Failed(detail))),
        }
    }

    /// A message dies: the inbox notes it, its letter is written, and its step's `otherwise` comes next.
    fn die(&mut self, envelope: &Envelope, heading: Option<&Heading>, death: Death) {
        self.changes.outbox.push(self.voice.letter(envelope, &death));
        self.deaths.push((envelope.subject.clone(), death.clone()));
        let (Some(heading), Some((_, name, key))) = (heading, envelope.parts()) else {
            return;
        };
        self.changes.inbox.retain(|row| row.id != heading.id);
        self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: Some(death.tries) });
        let step = self.choreography.step(name).and_then(|step| step.otherwise.as_ref());
        let effect = self.choreography.effect_step(name).and_then(|effect| effect.otherwise.as_ref());
        if let Some(otherwise) = step.or(effect) {
            if let Some(opened) = otherwise.open(key, death.reason, &death.detail, heading.id, self.voice.now) {
                let cause = Cause::of(heading, Kind::Undo);
                self.queue.push_front(Item { does: Does::Otherwise { otherwise }, opened, cause });
            }
        }
    }

    /// Queues the messages that waited for rows which this batch brought. Whether there were any.
    async fn wake(&mut self, tx: &mut dyn Transaction) -> Result<bool, StoreError> {
        if !self.choreography.steps.iter().any(|step| step.waits && step.kind.is_heard()) {
            return Ok(false);
        }
        let created: Vec<_> = self.tables.created().into_iter().filter(|row| !self.woken.contains(row)).collect();
        if created.is_empty() {
            return Ok(false);
        }
        let mut woken = false;
        for row in tx.waiting_for(&created).await? {
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
                self.queue.push_back(Item { does: Does::React { step, heading, envelope }, opened, cause });
            }
            Err(detail) => {
                self.die(&envelope, Some(&heading), Death { reason: Reason::Poison, detail, tries: 1 });
            }
        }
        true
    }

    async fn finish(
        mut self,
        transaction: Box<dyn Transaction>,
        arrived: &Arrived,
        advance: Option<Advance>,
    ) -> Result<Outcome, StoreError> {
        for (item, (table, key)) in std::mem::take(&mut self.postponed) {
            if let Does::React { step, heading, envelope } = item.does {
                let expiry = heading.expiry.filter(|_| step.kind != Kind::Undo);
                self.changes.waiting.push(WaitingRow {
                    id: heading.id,
                    table: table.to_owned(),
                    key,
                    expiry_ms: expiry.map(|expiry| expiry.as_millisecond()),
                    envelope,
                });
            }
        }
        self.changes.rows = self.tables.changes();
        self.changes.advance = advance;
        let effects_added = !self.changes.effects.is_empty();
        let due_changed = arrived.due || !self.changes.later.is_empty() || !self.changes.waiting.is_empty();
        let said = self.changes.outbox.clone();
        let first = if self.changes.is_nothing() { 0 } else { transaction.commit(self.changes).await? };
        let mut replies = self.replies;
        let missing = || Err(TellError::Failed("the command was not called".to_owned()));
        Ok(Outcome {
            outbox: (first, said),
            replies: (0..arrived.calls.len()).map(|call| replies.remove(&call).unwrap_or_else(missing)).collect(),
            effects_added,
            due_changed,
            heard: self.heard,
            ignored: self.ignored,
            deaths: self.deaths,
        })
    }
}

/// The message, with its place in the stream noted for a dead letter that may come of it.
fn stamped(delivery: &Delivery) -> Envelope {
    let mut envelope = delivery.envelope.clone();
    envelope.headers.push((SEQUENCE_HEADER.to_owned(), delivery.stream_sequence.to_string()));
    envelope
}

/// The answer of a command as it is kept under an idempotency key: what a caller could mend by asking differently, and
/// what was done. A fault is not kept, so that it may be tried again.
fn storable(outcome: &Result<(Answer, String), TellError>) -> Option<String> {
    match outcome {
        Ok((_, json)) => Some(format!("{{\"row\":{json}}}")),
        Err(TellError::Refused(refused)) => Some(serde_json::json!({ "refused": refused }).to_string()),
        Err(TellError::Missing) => Some("{\"missing\":true}".to_owned()),
        Err(_) => None,
    }
}

/// A stored answer, given again.
fn recall(call: &Call, known: &StoredAnswer) -> Result<Answer, TellError> {
    #[derive(serde::Deserialize)]
    struct Stored {
        row: Option<serde_json::Value>,
        refused: Option<Refused>,
    }
    if call.once.as_ref().is_some_and(|once| once.body_hash != known.body_hash) {
        return Err(TellError::KeyReused);
    }
    let unreadable = |error: serde_json::Error| TellError::Failed(format!("the stored answer is unreadable: {error}"));
    let stored: Stored = serde_json::from_str(&known.answer).map_err(unreadable)?;
    match stored {
        Stored { row: Some(row), .. } => (call.recall)(&row.to_string()).map_err(unreadable),
        Stored { refused: Some(refused), .. } => Err(TellError::Refused(refused)),
        Stored { .. } => Err(TellError::Missing),
    }
}
