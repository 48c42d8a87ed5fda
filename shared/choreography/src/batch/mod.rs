//! The life of a batch: open, load, react, commit. Everything is done to whatever has arrived, in order and in memory;
//! either what the last batches left in memory is taken for all there is, or the database is asked once a table; it is
//! written once.
//!
//! What must hold: a batch that fails leaves no trace, and done again it says the same messages.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::Timestamp;
use uuid::Uuid;

mod answering;
mod arriving;
mod dying;
mod reacting;
mod session;

use crate::bus::Delivery;
use crate::choreography::Choreography;
use crate::envelope::Envelope;
use crate::saying::{Cause, Death, SEQUENCE_HEADER, Spoken, Voice};
use crate::settings::Settings;
use crate::step::{Answer, Kind, Opened, Otherwise, Step};
use crate::store::{Advance, Changes, EffectRow, LaterChange, OutboxRow, StoreError, WaitingRow};
use crate::tables::Tables;
use crate::tell::{Call, Once, TellError};
use crate::words::Said;
pub(crate) use session::Session;

/// What has arrived.
#[derive(Default)]
pub(crate) struct Arrived {
    pub deliveries: Vec<Delivery>,
    pub calls: Vec<Call>,
    pub effects: Vec<EffectOver>,
    /// Whether what is due by now has to be looked for.
    pub due: bool,
    /// A message of which processes have died, so often: it is not tried any more.
    pub deadly: Option<(Uuid, u32)>,
}

/// An effect that is over: done, with what it says, or tried for the last time.
pub(crate) struct EffectOver {
    pub row: EffectRow,
    pub outcome: Result<Vec<Said>, Death>,
}

/// What came of a batch.
pub(crate) struct Outcome {
    /// What was said.
    pub outbox: Vec<OutboxRow>,
    /// The answers, in the order of the calls.
    pub replies: Vec<Result<Answer, TellError>>,
    /// The effects that were added.
    pub effects: Vec<EffectRow>,
    /// Whether undos died, or were repaired.
    pub undos_changed: bool,
    /// When the first of what the batch leaves for later is due.
    pub due: Option<Timestamp>,
    pub heard: usize,
    pub ignored: usize,
    pub deaths: Vec<(String, Death)>,
    /// Whether it was decided by what the last batches had left in memory.
    pub by_memory: bool,
}

/// A message on its way to its reaction.
struct Arrival {
    id: Uuid,
    expiry: Option<Timestamp>,
    envelope: Envelope,
    /// Its place in the stream; none if it was kept in the database before, and has its place noted.
    sequence: Option<u64>,
}

impl Arrival {
    /// The message as it is kept, with its place in the stream noted for a dead letter that may come of it.
    fn kept(&self) -> Envelope {
        let Some(sequence) = self.sequence else { return self.envelope.clone() };
        let headers = self.envelope.headers.with(SEQUENCE_HEADER, sequence.to_string());
        Envelope { headers, ..self.envelope.clone() }
    }
}

impl Item<'_> {
    fn want(&self, tables: &mut Tables) {
        match &self.does {
            Does::React { step, .. } | Does::Command { step, .. } => step.want(&self.opened, tables),
            Does::Otherwise { otherwise } => otherwise.want(&self.opened, tables),
            Does::Answer { .. } => {}
        }
    }
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
    /// Whether any message waits in the database.
    any_waits: bool,
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
    React {
        step: &'a Step,
        message: Box<Arrival>,
    },
    Otherwise {
        otherwise: &'a Otherwise,
    },
    /// An effect's answer takes its turn among the functions of its key.
    Answer {
        said: Vec<Said>,
    },
    Command {
        step: &'a Step,
        call: usize,
        once: Option<&'a Once>,
    },
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
            any_waits: false,
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
        mut session: Session<'_>,
        arrived: &'a Arrived,
        advance: Option<Advance>,
    ) -> Result<Outcome, StoreError> {
        let (found, calls, wanted) = self.open(arrived);
        let loaded = self.fetch(&mut session, wanted).await?;
        // Only who is in charge may say what is due, and what came of effects.
        if (arrived.due || !arrived.effects.is_empty()) && session.charge != Some(loaded.head.epoch) {
            let (epoch, position) = (session.charge.unwrap_or_default(), loaded.head.position);
            return Err(StoreError::HeadConflict { epoch, position });
        }
        self.hear(found, loaded.heard);
        self.settle_effects(&arrived.effects);
        self.take_due(loaded.due, loaded.expired);
        self.take_calls(calls, &arrived.calls, &loaded.answers);
        self.react(&mut session).await?;
        self.finish(session, arrived, advance).await
    }

    pub(super) fn say(&mut self, said: Vec<Said>, cause: &Cause, role: &str) {
        for (place, said) in said.into_iter().enumerate() {
            match self.voice.speak(said, cause, role, place) {
                Spoken::Now(envelope) => self.changes.outbox.push(envelope),
                Spoken::Later(change) => self.changes.later.push(change),
            }
        }
    }

    async fn finish(
        mut self,
        session: Session<'_>,
        arrived: &Arrived,
        advance: Option<Advance>,
    ) -> Result<Outcome, StoreError> {
        for (item, (table, key)) in std::mem::take(&mut self.postponed) {
            if let Does::React { step, message } = item.does {
                let expiry = message.expiry.filter(|_| step.kind != Kind::Undo);
                self.changes.waiting.push(WaitingRow {
                    id: message.id,
                    table: table.to_owned(),
                    key,
                    expiry_ms: expiry.map(|expiry| expiry.as_millisecond()),
                    envelope: message.kept(),
                });
            }
        }
        self.changes.rows = self.tables.changes();
        self.changes.advance = advance;
        let later = self.changes.later.iter().filter_map(|change| match change {
            LaterChange::Set(row) => Some(row.due_ms),
            LaterChange::Remove { .. } => None,
        });
        let due_ms = later.chain(self.changes.waiting.iter().filter_map(|row| row.expiry_ms)).min();
        let due = due_ms.map(|due_ms| Timestamp::from_millisecond(due_ms).unwrap_or(Timestamp::MAX));
        let undos_changed = !self.changes.undos_died.is_empty() || !self.changes.repaired.is_empty();
        let (said, added) = (self.changes.outbox.clone(), self.changes.effects.clone());
        let by_memory = session.went_by_memory();
        let committed = session.commit(self.changes).await?;
        let outbox = (committed.outbox_first..).zip(said).map(|(number, envelope)| OutboxRow { number, envelope });
        let effects = committed.effects.into_iter().zip(added).map(|(number, effect)| EffectRow { number, ..effect });
        let mut replies = self.replies;
        let missing = || Err(TellError::Failed("the command was not called".to_owned()));
        Ok(Outcome {
            outbox: outbox.collect(),
            replies: (0..arrived.calls.len()).map(|call| replies.remove(&call).unwrap_or_else(missing)).collect(),
            effects: effects.collect(),
            undos_changed,
            due,
            heard: self.heard,
            ignored: self.ignored,
            deaths: self.deaths,
            by_memory,
        })
    }
}
