//! A running service: what its HTTP routes and its `main` use.

use std::fmt::Display;
use std::sync::Arc;

use futures::stream::BoxStream;
use jiff::Timestamp;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::breaker::BreakerStatus;
use crate::bus::{Bus, BusError, Stories};
use crate::clock::Clock;
use crate::declare::call::{ErasedInput, ErasedReply};
use crate::declare::choreography::Choreography;
use crate::declare::incoming::Incoming;
use crate::declare::message::Command;
use crate::declare::row::Row;
use crate::engine::execute::{ExecuteError, KeysInUse, QueuedCommand, Request};
use crate::engine::health::Health;
use crate::engine::intake::Intake;
use crate::engine::start::{Engine, start};
use crate::query::{Column, List, Page};
use crate::run::{self, RunError};
use crate::settings::Settings;
use crate::store::{Backlog, Store, StoreError};
use crate::wire::envelope::{Envelope, child_trace, root_trace, valid_trace};
use crate::wire::subject::check_key;

/// A running service; a clone is the same service.
///
/// ```
#[doc = include_str!("example.md")]
/// # fn open_payment(_: &OpenPayment, payment: &mut Option<Payment>) { payment.get_or_insert(Payment::Pending); }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let choreography = Choreography::new("payment").intake(open_payment);
/// let service = Service::builder(choreography).memory().start().await?; // in a test
/// assert_eq!(service.execute(OpenPayment { order: 7 }).await?, Payment::Pending);
/// service.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    clock: Clock,
    store: Arc<dyn Store>,
    stories: Option<Arc<dyn Stories>>,
    engine: Engine,
    intake: Intake,
    keys_in_use: KeysInUse,
}

impl Service {
    pub(crate) fn start(
        choreography: Arc<Choreography>,
        store: Arc<dyn Store>,
        bus: Arc<dyn Bus>,
        settings: Settings,
    ) -> Self {
        let (name, commands) = (choreography.service, choreography.intakes.clone());
        let (stories, clock) = (bus.stories(), settings.clock.clone());
        let engine = start(choreography, store.clone(), bus, &settings);
        let intake = Intake {
            commands,
            breaker: engine.shared.breaker.clone(),
            backlog: engine.shared.backlog.clone(),
            backlog_max: settings.backlog_max,
            halt: engine.shared.halt.clone(),
            clock: clock.clone(),
        };
        let keys_in_use = KeysInUse::default();
        Self { inner: Arc::new(Inner { name, clock, store, stories, engine, intake, keys_in_use }) }
    }

    /// Returns the service's name.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// Executes a command, and returns its row as it is after the commit, or as it was if the command deletes it.
    ///
    /// # Errors
    /// [`ExecuteError`] is why nothing was changed.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("example.md")]
    #[doc = include_str!("example_service.md")]
    /// let payment = service.execute(OpenPayment { order: 7 }).await?;
    /// assert_eq!(payment, Payment::Pending);
    /// # service.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn execute<C: Command>(&self, command: C) -> Result<C::Row, ExecuteError> {
        self.execute_as(command, Request::default()).await
    }

    /// Executes a command that belongs to a request: in its trace, and only once under its idempotency key. A repeated
    /// request gets the reply of the first one.
    ///
    /// # Errors
    /// [`ExecuteError`] is why nothing was changed.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("example.md")]
    #[doc = include_str!("example_service.md")]
    /// use choreography::{Idempotency, IdempotencyKey, Request};
    ///
    /// let key = IdempotencyKey {
    ///     route: "POST /payments".to_owned(),
    ///     caller: "ada".to_owned(),
    ///     key: "chosen-by-the-caller".to_owned(),
    /// };
    /// let idempotency = Idempotency { key, body_hash: "a hash of the body".to_owned() };
    /// let request = Request { idempotency: Some(idempotency), ..Request::default() };
    /// let first = service.execute_as(OpenPayment { order: 7 }, request.clone()).await?;
    /// let repeated = service.execute_as(OpenPayment { order: 7 }, request).await?; // not executed again
    /// assert_eq!(first, repeated);
    /// # service.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn execute_as<C: Command>(&self, command: C, request: Request) -> Result<C::Row, ExecuteError> {
        let key = command.key().to_string();
        check_key(&key)?;
        let idempotency_key = request.idempotency.as_ref().map(|idempotency| idempotency.key.clone());
        let guard = idempotency_key.map(|key| self.inner.keys_in_use.begin(key)).transpose()?;
        let refusal = self.inner.intake.refusal(C::NAME);
        if let Some(refusal) = refusal.as_ref().filter(|_| request.idempotency.is_none()) {
            return Err(refusal.clone());
        }
        let id = self.inner.clock.new_id();
        let trace = request.trace.filter(|trace| valid_trace(trace));
        let trace = trace.map_or_else(|| root_trace(id), |trace| child_trace(&trace, id));
        let (reply_sender, reply) = oneshot::channel();
        let queued = QueuedCommand {
            message: C::NAME,
            key,
            id,
            trace,
            input: Box::new(move |now| Box::new(Incoming::new(command.clone(), id, now)) as ErasedInput),
            decode_reply: |json| serde_json::from_str::<C::Row>(json).map(|row| Box::new(row) as ErasedReply),
            idempotency: request.idempotency,
            refusal,
            guard,
            reply: reply_sender,
        };
        self.inner.engine.commands.try_send(queued).map_err(|error| match error {
            TrySendError::Full(_) => ExecuteError::Busy,
            TrySendError::Closed(_) => ExecuteError::Stopped,
        })?;
        let reply = reply.await.map_err(|_| ExecuteError::Stopped)??;
        let row = reply.downcast::<C::Row>();
        row.map(|row| *row).map_err(|_| ExecuteError::Failed(format!("the reply to {} is another row", C::NAME)))
    }

    /// Returns the state of the circuit breaker.
    pub fn breaker(&self) -> BreakerStatus {
        self.inner.engine.shared.breaker.current().status(self.now())
    }

    /// Returns a new id, of version 7.
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        self.inner.clock.new_id().into()
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Returns the row of a key, as the last commit left it.
    ///
    /// # Errors
    /// When the database fails, or the row can't be read.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("example.md")]
    #[doc = include_str!("example_service.md")]
    /// assert_eq!(service.get::<Payment>(&7).await?, None);
    /// # service.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get<S: Row>(&self, key: &S::Key) -> Result<Option<S>, StoreError> {
        self.one(Column::new("key"), key).await
    }

    /// Returns the row with the lowest key of those in which a column has a value.
    ///
    /// # Errors
    /// When the database fails, or the row can't be read.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("example.md")]
    /// # async fn find(service: Service) -> Result<(), Box<dyn std::error::Error>> {
    /// use choreography::Column;
    ///
    /// /// A migration generates it: `reference text as (state ->> '$.reference')`, with an index.
    /// const REFERENCE: Column<Payment, String> = Column::new("reference");
    ///
    /// let payment: Option<Payment> = service.one(REFERENCE, &"ada-1".to_owned()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn one<S: Row, V: Display>(&self, column: Column<S, V>, value: &V) -> Result<Option<S>, StoreError> {
        let page = Page { limit: 1, cursor: None };
        let listed = self.list::<S>(page).with(column, value).get().await?;
        match listed.unreadable {
            0 => Ok(listed.rows.into_iter().next()),
            _ => Err(StoreError::Unreadable { table: S::TABLE.to_owned(), key: value.to_string() }),
        }
    }

    /// Returns a query for the rows of a table, page by page, in the order of their keys.
    ///
    /// ```
    #[doc = include_str!("example.md")]
    #[doc = include_str!("example_service.md")]
    /// use choreography::Page;
    ///
    /// for order in 1..=3 {
    ///     service.execute(OpenPayment { order }).await?;
    /// }
    /// let first = service.list::<Payment>(Page { limit: 2, cursor: None }).get().await?;
    /// let rest = service.list::<Payment>(Page { limit: 2, cursor: first.next }).get().await?;
    /// assert_eq!((first.rows.len(), rest.rows.len(), rest.next), (2, 1, None));
    /// # service.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn list<S: Row>(&self, page: Page) -> List<S> {
        List::new(self.inner.store.clone(), page)
    }

    /// Returns the health of the service.
    pub fn health(&self) -> Health {
        self.inner.engine.shared.health.current()
    }

    /// Returns how many messages and effects are not finished: outgoing, waiting, scheduled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.inner.store.backlog().await
    }

    /// Returns the messages of a key, in order, from a stream sequence on, each with its sequence; at most `limit`.
    ///
    /// # Errors
    /// When the server can't be reached, or this service has no permission to read stories.
    pub async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError> {
        self.stories()?.story(key, from, limit).await
    }

    /// Returns the messages of a key that are published from now on. The stream ends when the connection is lost.
    ///
    /// # Errors
    /// When the server can't be reached, or this service has no permission to read stories.
    pub async fn follow(&self, key: &str) -> Result<BoxStream<'static, Envelope>, BusError> {
        self.stories()?.follow(key).await
    }

    fn stories(&self) -> Result<&Arc<dyn Stories>, BusError> {
        let stories = self.inner.stories.as_ref();
        stories.ok_or_else(|| BusError::Refused(format!("{} reads no stories", self.inner.name)))
    }

    /// Finishes the current batch, replies to the callers, and lets another instance take over. Committed messages that
    /// are not published by then are published after the next start.
    ///
    /// ```
    #[doc = include_str!("example.md")]
    #[doc = include_str!("example_service.md")]
    /// service.stop().await;
    /// let late = service.execute(OpenPayment { order: 7 }).await;
    /// assert_eq!(late, Err(choreography::ExecuteError::Stopped));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) {
        self.inner.engine.shared.stopping.begin();
        self.inner.engine.tasks.ended().await;
        if let Err(error) = self.inner.store.finish().await {
            tracing::warn!(%error, "the database's log was not cut back: it is when the service is started again");
        }
    }

    /// Whether neither [`stop`](Self::stop) nor a crash has begun to end the service.
    #[cfg(feature = "testing")]
    pub(crate) fn is_running(&self) -> bool {
        !self.inner.engine.shared.stopping.has_begun()
    }

    /// Ends every task where it stands. What is not committed is lost.
    #[cfg(feature = "testing")]
    pub(crate) async fn crash(&self) {
        self.inner.engine.tasks.abort();
        self.inner.engine.shared.stopping.begin();
        self.inner.engine.tasks.ended().await;
    }

    /// Runs until SIGTERM or Ctrl-C, then stops as [`stop`](Self::stop) does: for services without HTTP.
    ///
    /// # Errors
    /// [`RunError`] when the service ended by itself, did not stop in time, or can't wait for signals.
    ///
    /// # Example
    /// ```no_run
    /// # use choreography::{Choreography, Service};
    /// # fn choreography() -> Choreography { Choreography::new("payment") }
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let service = Service::builder(choreography()).memory().start().await?;
    ///     Ok(service.run_until_stopped().await?)
    /// }
    /// ```
    pub async fn run_until_stopped(&self) -> Result<(), RunError> {
        run::until_stopped(self.name(), self.failed(), self.stop()).await
    }

    /// Waits until the service ends itself, and returns why: its database was put back to an older copy under it, or one of
    /// its tasks ended, which only a bug can cause. Stop the service then, and end the process.
    pub async fn failed(&self) -> String {
        self.inner.engine.shared.stopping.failed().await
    }
}
