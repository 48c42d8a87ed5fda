//! What the relay does once a second on its connection, beside publishing: looks whether the server may have lost
//! something, writes the progress note, and passes on which rows may be forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{Interval, MissedTickBehavior};

use super::OutboxRelay;
use super::both_streams::BothStreams;
use super::error::RelayError;
use super::kept::Forgettable;
use super::passed::Passed;
use super::published::{PublishedRows, StoredPlaces, Through};
use super::readers::Readers;
use crate::bus::{BusError, Connection, Stream, StreamState};
use crate::clock::Clock;
use crate::engine::outbox_numbers::ForgettableRows;
use crate::engine::progress_note;
use crate::engine::repaired::LastRepair;
use crate::engine::shared::Shared;
use crate::engine::stream_limits;
use crate::settings::{SERVER_LOOKS_EVERY, Settings};
use crate::store::{Checkpoint, Given, Store, StoredRows};

/// The looks of one connection.
pub(super) struct Looks<'a> {
    connection: &'a dyn Connection,
    store: Arc<dyn Store>,
    shared: Shared,
    settings: Settings,
    service: &'static str,
    versions: Arc<BTreeMap<String, Vec<u32>>>,
    receives: bool,
    pub(super) epoch: i64,
    /// The streams when the connection began.
    before: BothStreams,
    due: Interval,
    /// The look that is under way: publishing goes on meanwhile.
    current: Option<BoxFuture<'a, Result<Seen, RelayError>>>,
    passed: Passed,
    through: Through,
    pub(super) readers: Arc<Readers>,
    /// Which rows were known to be stored at the last look.
    stored: Option<StoredPlaces>,
}

/// One look. What it contains was true before it began.
struct Look<'a> {
    connection: &'a dyn Connection,
    store: Arc<dyn Store>,
    shared: Shared,
    service: &'static str,
    versions: Arc<BTreeMap<String, Vec<u32>>>,
    clock: Clock,
    before: BothStreams,
    settled: Vec<Given>,
    forgettable: Forgettable,
    /// Which rows are known to be stored, if that has changed.
    stored: Option<StoredPlaces>,
}

/// What a look has seen.
struct Seen {
    streams: BothStreams,
    /// The position that the service has committed.
    position: u64,
    readers: Arc<Readers>,
    /// Whether the progress note was written.
    noted: Result<(), BusError>,
}

impl<'a> Looks<'a> {
    /// Begins the looks of a connection with the state of both streams.
    pub(super) async fn begin(
        connection: &'a dyn Connection,
        epoch: i64,
        relay: &OutboxRelay,
    ) -> Result<Self, RelayError> {
        let mut due = tokio::time::interval(SERVER_LOOKS_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            before: BothStreams::request(connection).await?,
            connection,
            store: relay.store.clone(),
            shared: relay.shared.clone(),
            settings: relay.settings.clone(),
            service: relay.service,
            versions: relay.versions.clone(),
            receives: relay.receives,
            epoch,
            due,
            current: None,
            passed: Passed::default(),
            through: Through::default(),
            readers: Arc::default(),
            stored: None,
        })
    }

    /// Takes the first look, right after the repair, and lets the reader begin.
    pub(super) async fn first(&mut self, published: &mut PublishedRows) -> Result<(), RelayError> {
        self.shared.outbox.set_forgettable(ForgettableRows::default());
        self.shared.outbox.set_stored_rows(None);
        self.due.reset();
        self.start(published);
        self.next().await?;
        self.shared.repaired.set(LastRepair {
            epoch: self.epoch,
            server_start: self.before.events.server_start.clone(),
            adopted_through: published.adopted_through(),
        });
        Ok(())
    }

    /// Waits for the end of the look that is under way, or until the next one is due. Returns whether one is due.
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<bool, RelayError> {
        let Some(current) = &mut self.current else {
            self.due.tick().await;
            return Ok(true);
        };
        let seen = current.await;
        self.current = None;
        let seen = seen?;
        self.report(&seen);
        self.through = self.passed.saw(&seen.streams, seen.position, self.receives);
        self.readers = seen.readers;
        Ok(false)
    }

    /// Reports whether the note can be written, and how full the streams are.
    fn report(&self, seen: &Seen) {
        let denied = |error| format!("it is not written, so others don't see it: run the provisioning step; {error}");
        let denied = seen.noted.as_ref().err().map(denied);
        self.shared.health.trouble("progress note", denied.as_deref().map_or(Ok(()), Err));
        stream_limits::report(&self.shared.health, self.service, &seen.streams.events, &seen.streams.dead_letters);
    }

    /// Starts a look.
    pub(super) fn start(&mut self, published: &mut PublishedRows) {
        let forgettable = match self.shared.outbox.is_all_deleted() {
            true => published.forget(&self.settings, self.through),
            false => Forgettable::default(),
        };
        let stored = published.stored_rows().filter(|stored| Some(*stored) != self.stored);
        self.stored = stored.or(self.stored);
        let look = Look {
            connection: self.connection,
            store: self.store.clone(),
            shared: self.shared.clone(),
            service: self.service,
            versions: self.versions.clone(),
            clock: self.settings.clock.clone(),
            before: self.before.clone(),
            settled: published.settled.all(),
            forgettable,
            stored,
        };
        self.current = Some(look.take().boxed());
    }
}

impl Look<'_> {
    async fn take(self) -> Result<Seen, RelayError> {
        let streams = BothStreams::request(self.connection).await?;
        streams.check_start(&self.before)?;
        let position = self.store.head().await?.position.sequence;
        self.let_forget(&streams.events).await?;
        self.note_stored(&streams).await?;
        let note = progress_note::note(&self.versions, self.settled, &streams.events, position, self.clock.now());
        let noted = match self.connection.note_progress(self.service, &note).await {
            Err(lost @ BusError::Lost(_)) => return Err(lost.into()),
            noted => noted,
        };
        let readers = Readers::request(self.connection, self.service).await?.into();
        Ok(Seen { streams, position, readers, noted })
    }

    /// Passes on which rows are stored, so that the next repair need not look for them.
    async fn note_stored(&self, streams: &BothStreams) -> Result<(), RelayError> {
        let Some(StoredPlaces { through, events, dead_letters }) = self.stored else { return Ok(()) };
        let events = self.place(Stream::Events, &streams.events, events).await?;
        let dead_letters = self.place(Stream::DeadLetters, &streams.dead_letters, dead_letters).await?;
        if let (Some(events), Some(dead_letters)) = (events, dead_letters) {
            let dead_letters_first = streams.dead_letters.first;
            self.shared.outbox.set_stored_rows(Some(StoredRows { through, events, dead_letters, dead_letters_first }));
        }
        Ok(())
    }

    /// Returns the place of a message, if the stream has it; that before all messages for sequence 0.
    async fn place(&self, stream: Stream, now: &StreamState, sequence: u64) -> Result<Option<Checkpoint>, RelayError> {
        let stamp = match sequence {
            0 => Some(0),
            sequence => self.connection.stamp_at(stream, sequence).await?,
        };
        Ok(stamp.map(|stamp_ns| Checkpoint { sequence, stamp_ns, deleted: now.deleted }))
    }

    /// Passes on which rows may be deleted, with the floor if the stream still has it.
    async fn let_forget(&self, events: &StreamState) -> Result<(), RelayError> {
        let Forgettable { spans, floor } = &self.forgettable;
        if spans.is_empty() {
            return Ok(());
        }
        let mut rows = ForgettableRows { rows: spans.clone(), floor: None };
        if let Some(sequence) = *floor {
            let stamp = self.connection.stamp_at(Stream::Events, sequence).await?;
            rows.floor = stamp.map(|stamp_ns| Checkpoint { sequence, stamp_ns, deleted: events.deleted });
        }
        self.shared.outbox.set_forgettable(rows);
        Ok(())
    }
}
