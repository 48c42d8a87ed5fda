//! A running service: what its HTTP face and its `main` hold in their hands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::BoxStream;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::breaker::{BreakerStatus, Circuits};
use crate::bus::{Bus, BusError, Stories};
use crate::declare::choreography::Choreography;
use crate::declare::handler::{ErasedInput, ErasedReply};
use crate::declare::message::{Command, Incoming};
use crate::declare::row::Row;
use crate::engine::breaker_task::BreakerTask;
use crate::engine::effects::Effects;
use crate::engine::execute::{ExecuteError, KeysInUse, QueuedCommand, Request};
use crate::engine::outbox_relay::{OutboxRelay, RelayProgress};
use crate::engine::reader::Reader;
use crate::engine::shared::{Health, Shared};
use crate::engine::worker::{State, Worker};
use crate::settings::{BATCH_MAX, COMMANDS_MAX, PAGE_MAX, Settings};
use crate::store::{Backlog, Condition, Listing, Store, StoreError};
use crate::wire::envelope::{Envelope, child_trace, root_trace, valid_trace};
use crate::wire::subject::check_key;

/// So many batches may be on their way from the reader, and to the publisher, at once.
const HANDED_MAX: usize = 4;

/// A running service.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    settings: Settings,
    store: Arc<dyn Store>,
    stories: Option<Arc<dyn Stories>>,
    shared: Shared,
    commands: mpsc::Sender<QueuedCommand>,
    running: KeysInUse,
    /// The commands that begin something new.
    intakes: BTreeSet<&'static str>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Starts a service: it reads, reacts and publishes from now on, as soon as its server is there.
///
/// Must be called in a tokio runtime.
pub fn start(
    choreography: Choreography,
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    stories: Option<Arc<dyn Stories>>,
    settings: Settings,
) -> Service {
    let choreography = Arc::new(choreography);
    let shared = Shared::new(settings.clock.now());
    let (feed_in, feed) = mpsc::channel(HANDED_MAX);
    let (calls_in, commands) = mpsc::channel(COMMANDS_MAX);
    let (over_in, effects_finished) = mpsc::channel(BATCH_MAX);
    let (committed_in, committed) = mpsc::channel(HANDED_MAX);
    let (effects_added, added) = mpsc::channel(HANDED_MAX);
    let reader = Reader {
        store: store.clone(),
        bus: bus.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        consumer: format!("{}-{}", choreography.service, settings.instance),
        feed: feed_in,
        mine: None,
    };
    let publisher = OutboxRelay {
        store: store.clone(),
        bus: bus.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        committed,
        progress: RelayProgress::default(),
        forward: Arc::new(choreography.circuit_kinds()),
    };
    let breaker_task = BreakerTask {
        choreography: choreography.clone(),
        bus,
        shared: shared.clone(),
        settings: settings.clone(),
        circuits: Circuits::new(settings.circuit_threshold, settings.clock.now()),
        reported: BTreeMap::new(),
    };
    let effects = Effects {
        choreography: choreography.clone(),
        store: store.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        added,
        over: over_in,
    };
    let (name, intakes) = (choreography.service, choreography.intakes.clone());
    let worker = Worker {
        choreography,
        store: store.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        feed,
        commands,
        effects_finished,
        effects_added,
        committed: committed_in,
        state: State::default(),
    };
    let tasks = vec![
        tokio::spawn(worker.run()),
        tokio::spawn(reader.run()),
        tokio::spawn(publisher.run()),
        tokio::spawn(breaker_task.run()),
        tokio::spawn(effects.run()),
    ];
    let (running, tasks) = (KeysInUse::default(), Mutex::new(tasks));
    let commands = calls_in;
    Service { inner: Arc::new(Inner { name, settings, store, stories, shared, commands, running, intakes, tasks }) }
}

impl Service {
    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// Gives a command, and waits for its commit. The row that it is about comes back.
    ///
    /// # Errors
    /// [`ExecuteError`] says why nothing was changed.
    pub async fn execute<C: Command>(&self, command: C) -> Result<C::Row, ExecuteError> {
        self.execute_as(command, Request::default()).await
    }

    /// Gives a command that belongs to a request: in its trace, and only once under its idempotency key.
    ///
    /// # Errors
    /// [`ExecuteError`] says why nothing was changed.
    pub async fn execute_as<C: Command>(&self, command: C, request: Request) -> Result<C::Row, ExecuteError> {
        let key = command.key().to_string();
        check_key(&key)?;
        let idempotency = request.idempotency.as_ref().map(|idempotency| idempotency.key.clone());
        let running = idempotency.map(|idempotency| self.inner.running.begin(idempotency)).transpose()?;
        let closed = self.closed(C::NAME);
        if let Some(closed) = closed.as_ref().filter(|_| request.idempotency.is_none()) {
            return Err(closed.clone());
        }
        let id = self.inner.settings.clock.new_id();
        let trace = request.trace.filter(|trace| valid_trace(trace));
        let trace = trace.map_or_else(|| root_trace(id), |trace| child_trace(&trace, id));
        let (reply, answer) = oneshot::channel();
        let call = QueuedCommand {
            message: C::NAME,
            key,
            id,
            trace,
            input: Box::new(move |now| Box::new(Incoming::new(command.clone(), id, now)) as ErasedInput),
            decode_reply: |json| serde_json::from_str::<C::Row>(json).map(|row| Box::new(row) as ErasedReply),
            idempotency: request.idempotency,
            closed,
            running,
            reply,
        };
        self.inner.commands.try_send(call).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ExecuteError::Busy,
            mpsc::error::TrySendError::Closed(_) => ExecuteError::Stopped,
        })?;
        let answer = answer.await.map_err(|_| ExecuteError::Stopped)??;
        let row = answer.downcast::<C::Row>();
        row.map(|row| *row).map_err(|_| ExecuteError::Failed(format!("{} answered with another row", C::NAME)))
    }

    /// Why a command is not done now, if it begins something new.
    fn closed(&self, command: &str) -> Option<ExecuteError> {
        let inner = &self.inner;
        if !inner.intakes.contains(command) {
            return None;
        }
        let (breaker_snapshot, backlog) = (inner.shared.breaker_snapshot(), inner.shared.backlog());
        let open: Vec<_> = breaker_snapshot.open().collect();
        let (code, detail) = if !open.is_empty() {
            let open = open.join(", ");
            ("circuit-open", format!("nothing new is begun while {open} is held, because its subscriber is in trouble"))
        } else if backlog >= inner.settings.backlog_max {
            ("backlog-full", format!("nothing new is begun while so much is on its way: {backlog} messages"))
        } else {
            return None;
        };
        let retry_after = breaker_snapshot.rest_of_cycle(inner.settings.clock.now());
        Some(ExecuteError::Closed { code, detail, retry_after })
    }

    /// How the circuit breaker stands.
    pub fn breaker(&self) -> BreakerStatus {
        self.inner.shared.breaker_snapshot().shown(self.now())
    }

    /// A fresh id, of version 7.
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        self.inner.settings.clock.new_id().into()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.inner.settings.clock.now()
    }

    /// The first row of a table in which a column has a value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn one<S: Row, V: Display>(&self, column: Column<S, V>, value: &V) -> Result<Option<S>, StoreError> {
        let page = Page { limit: 1, cursor: None };
        let listed = self.list::<S>(page).with(column, value).get().await?;
        Ok(listed.rows.into_iter().next())
    }

    /// Rows of a table, page by page, in the order of their keys.
    pub fn list<S: Row>(&self, page: Page) -> List<S> {
        let limit = page.limit.clamp(1, PAGE_MAX);
        let listing = Listing { table: S::TABLE, conditions: Vec::new(), after: page.cursor, descending: false, limit };
        List { store: self.inner.store.clone(), listing, row: PhantomData }
    }

    /// How the service is.
    pub fn health(&self) -> Health {
        self.inner.shared.health()
    }

    /// How much is on its way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.inner.store.backlog().await
    }

    /// The messages of a key from a stream sequence on, in order, with their sequences.
    ///
    /// # Errors
    /// When the server can't be asked, or this service was not given the right to.
    pub async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError> {
        self.stories()?.story(key, from, limit).await
    }

    /// The messages of a key as they are said from now on.
    ///
    /// # Errors
    /// When the server can't be asked, or this service was not given the right to.
    pub async fn follow(&self, key: &str) -> Result<BoxStream<'static, Envelope>, BusError> {
        self.stories()?.follow(key).await
    }

    fn stories(&self) -> Result<&Arc<dyn Stories>, BusError> {
        let stories = self.inner.stories.as_ref();
        stories.ok_or_else(|| BusError::Refused(format!("{} reads no stories", self.inner.name)))
    }

    /// Finishes the batch, answers the callers, and lets another instance take over. What was said and is not
    /// published by then is published after the next start.
    pub async fn stop(&self) {
        self.inner.shared.stop();
        let tasks = std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the service ended by itself");
            }
        }
    }

    /// Resolves when a task of the service has ended by itself, which only a bug can make it do.
    pub async fn failed(&self) {
        let over = || {
            let tasks = self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            tasks.iter().take(4).any(JoinHandle::is_finished) && !self.inner.shared.is_stopping()
        };
        let mut looks = tokio::time::interval(crate::settings::MAINTENANCE_EVERY);
        while !over() {
            looks.tick().await;
        }
    }
}

/// A column by which rows are listed: `Payment::ORDER = Column::new("order_id")`.
pub struct Column<S, V> {
    name: &'static str,
    of: PhantomData<fn(S, V)>,
}

impl<S, V> Clone for Column<S, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, V> Copy for Column<S, V> {}

impl<S, V> Column<S, V> {
    /// The column of this name: `key`, or one that the service's migrations generate.
    pub const fn new(name: &'static str) -> Self {
        Self { name, of: PhantomData }
    }
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most so many rows; no more than [`PAGE_MAX`] are given.
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// A list that is about to be read.
pub struct List<S> {
    store: Arc<dyn Store>,
    listing: Listing,
    row: PhantomData<fn() -> S>,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<S> {
    /// The rows.
    pub rows: Vec<S>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

impl<S: Row> List<S> {
    /// Only rows in which a column has this value.
    pub fn with<V: Display>(mut self, column: Column<S, V>, value: &V) -> Self {
        self.listing.conditions.push(Condition { column: column.name, value: value.to_string() });
        self
    }

    /// From the highest key down: the newest first, where keys are ids.
    pub fn descending(mut self) -> Self {
        self.listing.descending = true;
        self
    }

    /// Reads the page.
    ///
    /// # Errors
    /// When the database fails, or a row can't be read.
    pub async fn get(mut self) -> Result<Listed<S>, StoreError> {
        let limit = self.listing.limit as usize;
        self.listing.limit += 1;
        let mut found = self.store.list(&self.listing).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|row| row.key.clone());
        let rows = found.iter().map(|row| serde_json::from_str(&row.state));
        let rows = rows.collect::<Result<_, _>>().map_err(|error| StoreError::Database(error.into()))?;
        Ok(Listed { rows, next })
    }
}
