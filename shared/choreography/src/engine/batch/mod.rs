//! The life of a batch: decode, load rows, react, commit. Whatever has arrived is processed in order and in memory.
//! Rows come from the cache, or from the database with one statement a table; they are written once.
//!
//! What must hold: a batch that fails leaves no trace, and the same batch processed again publishes the same messages.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashSet;
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) mod cache;
mod cached_rows;
mod commands;
mod decode;
mod die;
mod earlier_outcome;
mod effects;
mod envelopes;
mod input;
mod lost;
pub(crate) mod numbering;
mod one_by_one;
mod react;
mod read_again;
mod receipts;
mod receive;
mod session;
mod unrepaired;
mod unsendable;
mod wait;
mod work_item;

use crate::declare::call::ErasedReply;
use crate::declare::choreography::Choreography;
use crate::declare::outgoing::OutgoingMessage;
use crate::declare::stored_row::UnreadableRow;
use crate::declare::tables::Tables;
use crate::engine::execute::ExecuteError;
use crate::engine::processed::ProcessedCounts;
use crate::engine::received_numbers::ReceivedNumbers;
use crate::planted::{PlantedBug, planted};
use crate::settings::Settings;
use crate::store::{Advance, Changes, EffectRow, OutboxRow, RangeChanges, ScheduleChange, StoreError, WaitingRow};
use crate::wire::dead_letter::Death;
use crate::wire::envelope::Envelope;
use envelopes::{Cause, EnvelopeWriter, WrittenEnvelope};
pub(crate) use input::{BatchInput, DeadlyMessage, TriedEffect, TryOutcome, Violation};
pub(crate) use one_by_one::{AttemptError, OneByOne};
pub(crate) use receipts::NewNumbers;
use receipts::Receipts;
pub(crate) use session::Session;
use wait::{Postponed, RowKey};
use work_item::{Action, ReceivedMessage, WorkItem};

/// The outcome of a batch that is committed.
pub(crate) struct BatchOutcome {
    /// The messages to publish.
    pub outbox: Vec<OutboxRow>,
    /// The replies, in the order of the commands.
    pub replies: Vec<Result<ErasedReply, ExecuteError>>,
    /// The effects to run.
    pub effects: Vec<EffectRow>,
    /// The numbers that were received and reported.
    pub numbers: NewNumbers,
    /// Whether compensations died, or were repaired.
    pub compensations_changed: bool,
    /// When the first of what the batch has scheduled or left waiting is due.
    pub due: Option<Timestamp>,
    pub received: usize,
    /// How many messages were received, by their names.
    pub processed: BTreeMap<&'static str, u64>,
    /// The messages that could not be recognized: the subject of each, and why.
    pub unreadable: Vec<String>,
    /// The rows that were found unreadable.
    pub unreadable_rows: Vec<UnreadableRow>,
    /// The subject of each message that died, and why.
    pub deaths: Vec<(String, Death)>,
    /// Whether every row came from the cache.
    pub from_cache: bool,
}

/// One attempt at a batch.
pub(crate) struct Attempt<'a> {
    choreography: &'a Choreography,
    /// The constraint that the batch's only message or command violates.
    violation: Option<&'a Violation>,
    /// What may be called, while messages are processed one by one.
    one_by_one: Option<&'a OneByOne>,
    envelopes: EnvelopeWriter<'a>,
    tables: Tables,
    queue: VecDeque<WorkItem<'a>>,
    /// Messages that need a row which does not exist or is unreadable.
    postponed: Vec<Postponed<'a>>,
    /// The messages that wait in the database for rows which the batch has loaded.
    older: Vec<WaitingRow>,
    /// The messages whose waiting the batch ends.
    taken: HashSet<Uuid>,
    /// Up to which place of the stream messages are read again; 0 if none are.
    again_through: u64,
    /// What the stream has of messages that are processed again, by id.
    adopted: BTreeMap<Uuid, Envelope>,
    /// The messages to publish, in order.
    outgoing: Vec<Envelope>,
    changes: Changes,
    receipts: Receipts<'a>,
    /// The replies, by the position of the command in the batch.
    replies: Vec<Option<Result<ErasedReply, ExecuteError>>>,
    received: usize,
    /// How many messages of the batch can be processed, by their names, and what earlier batches have processed.
    processed: BTreeMap<&'static str, u64>,
    processed_before: &'a ProcessedCounts,
    unreadable: Vec<String>,
    unreadable_rows: Vec<UnreadableRow>,
    deaths: Vec<(String, Death)>,
}

impl<'a> Attempt<'a> {
    /// Returns an attempt after certain numbers have been received, and certain messages processed. Messages up to the
    /// place `again_through` of the stream are read again, because the database was put back to an older copy.
    pub(crate) fn new(
        choreography: &'a Choreography,
        settings: &'a Settings,
        received: &'a ReceivedNumbers,
        processed_before: &'a ProcessedCounts,
        one_by_one: Option<&'a OneByOne>,
        again_through: u64,
        now: Timestamp,
    ) -> Self {
        Self {
            choreography,
            violation: None,
            one_by_one,
            envelopes: EnvelopeWriter { service: choreography.service, settings, now },
            tables: choreography.tables.emptied(),
            queue: VecDeque::new(),
            postponed: Vec::new(),
            older: Vec::new(),
            taken: HashSet::new(),
            again_through,
            adopted: BTreeMap::new(),
            outgoing: Vec::new(),
            changes: Changes { now_ms: now.as_millisecond(), ..Changes::default() },
            receipts: Receipts::after(received),
            replies: Vec::new(),
            received: 0,
            processed: BTreeMap::new(),
            processed_before,
            unreadable: Vec::new(),
            unreadable_rows: Vec::new(),
            deaths: Vec::new(),
        }
    }

    /// Processes the batch, up to and including the commit.
    pub(crate) async fn run(
        mut self,
        mut session: Session<'_>,
        batch: &'a BatchInput,
        mut advance: Option<Advance>,
    ) -> Result<BatchOutcome, AttemptError> {
        self.violation = batch.violation.as_ref();
        self.replies.resize_with(batch.commands.len(), || None);
        let (decoded, commands, wanted) = self.decode(batch);
        let loaded = self.fetch(&mut session, wanted).await?;
        if planted(PlantedBug::PositionNotChecked) {
            advance.iter_mut().for_each(|advance| advance.from = loaded.head.position.sequence);
        }
        if planted(PlantedBug::EpochNotChecked) {
            advance.iter_mut().for_each(|advance| advance.epoch = loaded.head.epoch);
        } else if batch.is_for_leader() && session.epoch != Some(loaded.head.epoch) {
            let (epoch, position) = (session.epoch.unwrap_or_default(), loaded.head.position.sequence);
            return Err(StoreError::HeadConflict { epoch, position }.into());
        }
        self.find_earlier_outcomes(&mut session, &decoded, &loaded.expired, &batch.effects).await?;
        self.receive(decoded, loaded.dead);
        self.report_lost(&batch.lost);
        self.settle_effects(&batch.effects);
        self.set_aside(&batch.unsendable);
        self.take_due(loaded.due, loaded.expired);
        self.queue_commands(commands, &batch.commands, &loaded.replies);
        self.react(&mut session).await?;
        Ok(self.finish(session, advance).await?)
    }

    fn publish(&mut self, outgoing: Vec<OutgoingMessage>, cause: &Cause, role: &str) {
        for (index, outgoing) in outgoing.into_iter().enumerate() {
            match self.envelopes.write(outgoing, cause, role, index) {
                WrittenEnvelope::Now(envelope) => self.outgoing.push(envelope),
                WrittenEnvelope::Scheduled(change) => self.changes.scheduled.push(change),
            }
        }
    }

    async fn finish(mut self, mut session: Session<'_>, advance: Option<Advance>) -> Result<BatchOutcome, StoreError> {
        self.leave_waiting();
        self.changes.rows = self.tables.changes()?;
        self.changes.advance = advance;
        let (received, reported, numbers) = self.receipts.finish();
        (self.changes.received, self.changes.reported) = (received, reported);
        if planted(PlantedBug::NumbersNotStored) {
            self.changes.received = RangeChanges::default();
        }
        let due = first_due(&self.changes);
        let compensations_changed = !self.changes.compensations_died.is_empty() || !self.changes.repaired.is_empty();
        self.changes.outbox = session.number(self.outgoing).await?;
        let (outgoing, added) = (self.changes.outbox.clone(), self.changes.effects.clone());
        let from_cache = session.used_cache_only();
        let committed = session.commit(self.changes).await?;
        let outbox = (committed.outbox_first..).zip(outgoing).map(|(number, row)| row.numbered(number, false));
        let effects = committed.effects.into_iter().zip(added).map(|(number, effect)| EffectRow { number, ..effect });
        let missing = || Err(ExecuteError::Failed("the command was not called".to_owned()));
        Ok(BatchOutcome {
            outbox: outbox.collect(),
            replies: self.replies.into_iter().map(|reply| reply.unwrap_or_else(missing)).collect(),
            effects: effects.collect(),
            numbers,
            compensations_changed,
            due,
            received: self.received,
            processed: self.processed,
            unreadable: self.unreadable,
            unreadable_rows: self.unreadable_rows,
            deaths: self.deaths,
            from_cache,
        })
    }
}

/// Returns when the first message that a batch schedules or leaves waiting is due.
fn first_due(changes: &Changes) -> Option<Timestamp> {
    let scheduled = changes.scheduled.iter().filter_map(|change| match change {
        ScheduleChange::Set(row) => Some(row.due_ms),
        ScheduleChange::Remove { .. } => None,
    });
    let due_ms = scheduled.chain(changes.waiting.iter().filter_map(|row| row.expiry_ms)).min();
    due_ms.map(|due_ms| Timestamp::from_millisecond(due_ms).unwrap_or(Timestamp::MAX))
}
