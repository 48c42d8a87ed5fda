//! What the tasks of one service know of each other: whether it is well, and which epoch it holds.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether the database does what it is asked; otherwise what it said.
    pub database: Result<(), String>,
    /// Whether messages are read, or another instance reads them; otherwise what is in the way and what can be done.
    pub reading: Result<(), String>,
    /// Whether what is said is published, or another instance publishes it; otherwise what is in the way.
    pub publishing: Result<(), String>,
}

/// What the tasks of one service share.
#[derive(Clone)]
pub(crate) struct Shared {
    health: Arc<Mutex<Health>>,
    /// The epoch that this instance holds, if it does.
    epoch: watch::Sender<Option<i64>>,
    /// Outbox rows up to this number need not be kept any more.
    forgettable: Arc<AtomicI64>,
    stopping: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let starting = || Err("starting".to_owned());
        let health = Health { database: Ok(()), reading: starting(), publishing: starting() };
        Self {
            health: Arc::new(Mutex::new(health)),
            epoch: watch::Sender::new(None),
            forgettable: Arc::default(),
            stopping: watch::Sender::new(false),
        }
    }

    pub(crate) fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how one part is; a trouble is logged once, when it begins or changes.
    fn note(&self, what: &str, part: fn(&mut Health) -> &mut Result<(), String>, now: Result<(), String>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let before = part(&mut health);
        if *before == now {
            return;
        }
        match &now {
            Ok(()) => tracing::info!("{what}: well"),
            Err(trouble) => tracing::warn!("{what}: {trouble}"),
        }
        *before = now;
    }

    pub(crate) fn note_database(&self, now: Result<(), String>) {
        self.note("database", |health| &mut health.database, now);
    }
    pub(crate) fn note_reading(&self, now: Result<(), String>) {
        self.note("reading", |health| &mut health.reading, now);
    }
    pub(crate) fn note_publishing(&self, now: Result<(), String>) {
        self.note("publishing", |health| &mut health.publishing, now);
    }

    /// This instance is in charge from now on.
    pub(crate) fn take_charge(&self, epoch: i64) {
        self.epoch.send_replace(Some(epoch));
    }

    /// This instance is not in charge under this epoch any more.
    pub(crate) fn lose_charge(&self, epoch: i64) {
        self.epoch.send_if_modified(|held| held.take_if(|held| *held == epoch).is_some());
    }

    pub(crate) fn epoch(&self) -> watch::Receiver<Option<i64>> {
        self.epoch.subscribe()
    }

    /// Resolves when this instance does not hold the epoch.
    pub(crate) async fn lost_charge(&self, epoch: i64) {
        let _ = self.epoch.subscribe().wait_for(|held| *held != Some(epoch)).await;
    }

    pub(crate) fn set_forgettable(&self, number: i64) {
        self.forgettable.store(number, Ordering::Relaxed);
    }
    pub(crate) fn forgettable(&self) -> i64 {
        self.forgettable.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
    pub(crate) async fn stopping(&self) {
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}
