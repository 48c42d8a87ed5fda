//! A running service: what its HTTP face and its `main` hold in their hands.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream::BoxStream;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use crate::breaker::BreakerStatus;
use crate::builder::ServiceBuilder;
use crate::bus::{Bus, BusError, Stories};
use crate::declare::choreography::Choreography;
use crate::declare::handler::{ErasedInput, ErasedReply};
use crate::declare::incoming::Incoming;
use crate::declare::message::Command;
use crate::declare::row::Row;
use crate::engine::execute::{ExecuteError, KeysInUse, QueuedCommand, Request};
use crate::engine::shared::{Health, Shared};
use crate::engine::start::{Running, start};
use crate::query::{Column, List, Page};
use crate::settings::Settings;
use crate::store::{Backlog, Store, StoreError};
use crate::wire::envelope::{Envelope, child_trace, root_trace, valid_trace};
use crate::wire::subject::check_key;

/// How long the last batch may take once the service stops: supervisors commonly kill after 10 seconds.
const STOP_MAX: Duration = Duration::from_secs(9);

/// Why [`Service::run_until_stopped`] ended with an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A task of the service ended by itself, which only a bug can make it do.
    #[error("{service} ended by itself: the log says which task")]
    Failed {
        /// The service's name.
        service: &'static str,
    },
    /// The last batch did not finish in time. What is not committed is received again after the next start.
    #[error("{service} did not stop in time: what is not committed is received again")]
    Unfinished {
        /// The service's name.
        service: &'static str,
    },
    /// The process can't wait for signals.
    #[error("cannot wait for SIGTERM and SIGINT")]
    Signal(#[from] std::io::Error),
}

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
    /// The commands that begin a story.
    intakes: BTreeSet<&'static str>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Service {
    /// Returns a builder that connects a choreography to its database and its message server.
    pub fn builder(choreography: Choreography) -> ServiceBuilder {
        ServiceBuilder::new(choreography)
    }

    pub(crate) fn start(
        choreography: Choreography,
        store: Arc<dyn Store>,
        bus: Arc<dyn Bus>,
        settings: Settings,
    ) -> Self {
        let (name, intakes) = (choreography.service, choreography.intakes.clone());
        let stories = bus.stories();
        let Running { shared, commands, tasks } = start(Arc::new(choreography), store.clone(), bus, &settings);
        let (running, tasks) = (KeysInUse::default(), Mutex::new(tasks));
        Self { inner: Arc::new(Inner { name, settings, store, stories, shared, commands, running, intakes, tasks }) }
    }

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

    /// Returns the row of a key, as the last commit left it.
    ///
    /// # Errors
    /// When the database fails, or the row can't be read.
    pub async fn get<S: Row>(&self, key: &S::Key) -> Result<Option<S>, StoreError> {
        self.one(Column::new("key"), key).await
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
        List::new(self.inner.store.clone(), page)
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

    /// Runs until SIGTERM or Ctrl-C, then stops as [`stop`](Self::stop) does: for services without HTTP.
    ///
    /// # Errors
    /// [`RunError`] when the service ended by itself, did not stop in time, or can't wait for signals.
    pub async fn run_until_stopped(&self) -> Result<(), RunError> {
        let failed = tokio::select! {
            biased;
            signal = stop_signal() => {
                tracing::info!(service = self.name(), signal = signal?, "stopping");
                false
            }
            () = self.failed() => true,
        };
        timeout(STOP_MAX, self.stop()).await.map_err(|_| RunError::Unfinished { service: self.name() })?;
        if failed { Err(RunError::Failed { service: self.name() }) } else { Ok(()) }
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

/// Waits for SIGTERM or SIGINT, and returns its name.
async fn stop_signal() -> Result<&'static str, std::io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        biased;
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
