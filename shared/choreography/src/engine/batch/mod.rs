//! The life of a batch: open, load, react, commit. Everything is done to whatever has arrived, in order and in memory;
//! either what the last batches left in memory is taken for all there is, or the database is asked once a table; it is
//! written once.
//!
//! What must hold: a batch that fails leaves no trace, and done again it says the same messages.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::Timestamp;
use uuid::Uuid;

pub(crate) mod cache;
mod decode;
mod die;
pub(crate) mod envelopes;
mod react;
mod receive;
mod reply;
mod session;

use crate::bus::Delivery;
use crate::declare::choreography::Choreography;
use crate::declare::fallback::Fallback;
use crate::declare::handler::{ErasedInput, ErasedReply, Handler, HandlerKind};
use crate::declare::outgoing::OutgoingMessage;
use crate::declare::tables::Tables;
use crate::engine::batch::envelopes::{Cause, EnvelopeWriter, WrittenEnvelope};
use crate::engine::execute::{ExecuteError, Idempotency, QueuedCommand};
use crate::settings::Settings;
use crate::store::{Advance, Changes, EffectRow, OutboxRow, ScheduleChange, StoreError, WaitingRow};
use crate::wire::dead_letter::{Death, SEQUENCE};
use crate::wire::envelope::Envelope;
pub(crate) use session::Session;

/// What has arrived.
#[derive(Default)]
pub(crate) struct BatchInput {
    pub deliveries: Vec<Delivery>,
    pub commands: Vec<QueuedCommand>,
    pub effects: Vec<FinishedEffect>,
    /// Whether what is due by now has to be looked for.
    pub due: bool,
    /// A message of which processes have died, so often: it is not tried any more.
    pub deadly: Option<(Uuid, u32)>,
}

/// An effect that is over: done, with what it says, or tried for the last time.
pub(crate) struct FinishedEffect {
    pub row: EffectRow,
    pub outcome: Result<Vec<OutgoingMessage>, Death>,
}

/// What came of a batch.
pub(crate) struct BatchOutcome {
    /// What was said.
    pub outbox: Vec<OutboxRow>,
    /// The answers, in the order of the calls.
    pub replies: Vec<Result<ErasedReply, ExecuteError>>,
    /// The effects that were added.
    pub effects: Vec<EffectRow>,
    /// Whether compensations died, or were repaired.
    pub compensations_changed: bool,
    /// When the first of what the batch leaves for later is due.
    pub due: Option<Timestamp>,
    pub received: usize,
    pub ignored: usize,
    pub deaths: Vec<(String, Death)>,
    /// Whether it was decided by what the last batches had left in memory.
    pub from_cache: bool,
}

/// A message on its way to its reaction.
struct ReceivedMessage {
    id: Uuid,
    expiry: Option<Timestamp>,
    envelope: Envelope,
    /// Its place in the stream; none if it was kept in the database before, and has its place noted.
    sequence: Option<u64>,
}

impl ReceivedMessage {
    /// The message as it is kept, with its place in the stream noted for a dead letter that may come of it.
    fn kept(&self) -> Envelope {
        let Some(sequence) = self.sequence else { return self.envelope.clone() };
        let headers = self.envelope.headers.with(SEQUENCE, sequence.to_string());
        Envelope { headers, ..self.envelope.clone() }
    }
}

impl WorkItem<'_> {
    fn want(&self, tables: &mut Tables) {
        match &self.action {
            Action::React { handler, .. } | Action::Command { handler, .. } => handler.want(&self.input, tables),
            Action::Fallback { fallback } => fallback.want(&self.input, tables),
            Action::ErasedReply { .. } => {}
        }
    }
}

/// One attempt at a batch.
pub(crate) struct Attempt<'a> {
    choreography: &'a Choreography,
    envelopes: EnvelopeWriter<'a>,
    tables: Tables,
    queue: VecDeque<WorkItem<'a>>,
    /// Messages that miss a row, with the row that they miss.
    postponed: Vec<(WorkItem<'a>, (&'static str, String))>,
    woken: HashSet<(&'static str, String)>,
    /// Whether any message waits in the database.
    any_waits: bool,
    changes: Changes,
    replies: HashMap<usize, Result<ErasedReply, ExecuteError>>,
    received: usize,
    ignored: usize,
    deaths: Vec<(String, Death)>,
}

/// One function to be called.
struct WorkItem<'a> {
    action: Action<'a>,
    input: ErasedInput,
    cause: Cause,
}

enum Action<'a> {
    React {
        handler: &'a Handler,
        message: Box<ReceivedMessage>,
    },
    Fallback {
        fallback: &'a Fallback,
    },
    /// An effect's answer takes its turn among the functions of its key.
    ErasedReply {
        outgoing: Vec<OutgoingMessage>,
    },
    Command {
        handler: &'a Handler,
        call: usize,
        idempotency: Option<&'a Idempotency>,
    },
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(choreography: &'a Choreography, settings: &'a Settings, now: Timestamp) -> Self {
        Self {
            choreography,
            envelopes: EnvelopeWriter { service: choreography.service, settings, now },
            tables: choreography.tables.emptied(),
            queue: VecDeque::new(),
            postponed: Vec::new(),
            woken: HashSet::new(),
            any_waits: false,
            changes: Changes { now_ms: now.as_millisecond(), ..Changes::default() },
            replies: HashMap::new(),
            received: 0,
            ignored: 0,
            deaths: Vec::new(),
        }
    }

    /// Does the batch, up to and including the commit.
    pub(crate) async fn run(
        mut self,
        mut session: Session<'_>,
        input: &'a BatchInput,
        advance: Option<Advance>,
    ) -> Result<BatchOutcome, StoreError> {
        let (found, commands, wanted) = self.decode(input);
        let loaded = self.fetch(&mut session, wanted).await?;
        // Only who is in charge may say what is due, and what came of effects.
        if (input.due || !input.effects.is_empty()) && session.leadership != Some(loaded.head.epoch) {
            let (epoch, position) = (session.leadership.unwrap_or_default(), loaded.head.position);
            return Err(StoreError::HeadConflict { epoch, position });
        }
        self.hear(found, loaded.received);
        self.settle_effects(&input.effects);
        self.take_due(loaded.due, loaded.expired);
        self.take_calls(commands, &input.commands, &loaded.replies);
        self.react(&mut session).await?;
        self.finish(session, input, advance).await
    }

    pub(super) fn publish(&mut self, outgoing: Vec<OutgoingMessage>, cause: &Cause, role: &str) {
        for (place, outgoing) in outgoing.into_iter().enumerate() {
            match self.envelopes.write(outgoing, cause, role, place) {
                WrittenEnvelope::Now(envelope) => self.changes.outbox.push(envelope),
                WrittenEnvelope::Scheduled(change) => self.changes.scheduled.push(change),
            }
        }
    }

    async fn finish(
        mut self,
        session: Session<'_>,
        input: &BatchInput,
        advance: Option<Advance>,
    ) -> Result<BatchOutcome, StoreError> {
        for (item, (table, key)) in std::mem::take(&mut self.postponed) {
            if let Action::React { handler, message } = item.action {
                let expiry = message.expiry.filter(|_| handler.kind != HandlerKind::Compensation);
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
        let later = self.changes.scheduled.iter().filter_map(|change| match change {
            ScheduleChange::Set(row) => Some(row.due_ms),
            ScheduleChange::Remove { .. } => None,
        });
        let due_ms = later.chain(self.changes.waiting.iter().filter_map(|row| row.expiry_ms)).min();
        let due = due_ms.map(|due_ms| Timestamp::from_millisecond(due_ms).unwrap_or(Timestamp::MAX));
        let compensations_changed = !self.changes.compensations_died.is_empty() || !self.changes.repaired.is_empty();
        let (outgoing, added) = (self.changes.outbox.clone(), self.changes.effects.clone());
        let from_cache = session.used_cache_only();
        let committed = session.commit(self.changes).await?;
        let outbox = (committed.outbox_first..).zip(outgoing).map(|(number, envelope)| OutboxRow { number, envelope });
        let effects = committed.effects.into_iter().zip(added).map(|(number, effect)| EffectRow { number, ..effect });
        let mut replies = self.replies;
        let missing = || Err(ExecuteError::Failed("the command was not called".to_owned()));
        Ok(BatchOutcome {
            outbox: outbox.collect(),
            replies: (0..input.commands.len()).map(|call| replies.remove(&call).unwrap_or_else(missing)).collect(),
            effects: effects.collect(),
            compensations_changed,
            due,
            received: self.received,
            ignored: self.ignored,
            deaths: self.deaths,
            from_cache,
        })
    }
}
