//! What the tasks of one service know of each other: whether it is well, and which epoch it holds.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::circuit::Standings;

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether the database does what it is asked; otherwise what it said.
    pub database: Result<(), String>,
    /// Whether messages are read, or another instance reads them; otherwise what is in the way and what can be done.
    pub reading: Result<(), String>,
    /// Whether no undo has died without being repaired; otherwise how many, and the first. The service works all the same.
    pub undos: Result<(), String>,
    /// Whether what is said is published, or another instance publishes it; otherwise what is in the way.
    pub publishing: Result<(), String>,
}

/// Whether this instance is in charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Charge {
    /// The epoch that it holds, if it does.
    pub epoch: Option<i64>,
    /// Counts the breaks: between two of them nobody else was in charge, though the epoch may have been raised.
    pub breaks: u64,
}

/// What the tasks of one service share.
#[derive(Clone)]
pub(crate) struct Shared {
    health: Arc<Mutex<Health>>,
    charge: watch::Sender<Charge>,
    /// Outbox rows up to this number need not be kept any more.
    forgettable: Arc<AtomicI64>,
    /// How many outbox rows the server has acknowledged, from the first there ever was: those that are kept all the same,
    /// and those forgotten before.
    acknowledged: Arc<AtomicI64>,
    /// How many rows are on their way, as counted last.
    backlog: Arc<AtomicU64>,
    standings: watch::Sender<Arc<Standings>>,
    stopping: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(now: Timestamp) -> Self {
        let starting = || Err("starting".to_owned());
        let health = Health { database: Ok(()), reading: starting(), undos: Ok(()), publishing: starting() };
        Self {
            health: Arc::new(Mutex::new(health)),
            charge: watch::Sender::default(),
            forgettable: Arc::default(),
            acknowledged: Arc::default(),
            backlog: Arc::default(),
            standings: watch::Sender::new(Arc::new(Standings::unknown(now))),
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
            Err(trouble) if what == "undos" => tracing::error!("{what}: {trouble}"),
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
    pub(crate) fn note_undos(&self, now: Result<(), String>) {
        self.note("undos", |health| &mut health.undos, now);
    }
    pub(crate) fn note_publishing(&self, now: Result<(), String>) {
        self.note("publishing", |health| &mut health.publishing, now);
    }

    /// This instance is in charge from now on. It stays in charge if it held the epoch before this one.
    pub(crate) fn take_charge(&self, epoch: i64) {
        self.charge.send_modify(|charge| {
            charge.breaks += u64::from(charge.epoch.is_some_and(|held| held + 1 != epoch));
            charge.epoch = Some(epoch);
        });
    }

    /// This instance is not in charge under this epoch any more.
    pub(crate) fn lose_charge(&self, epoch: i64) {
        self.charge.send_if_modified(|charge| {
            let lost = charge.epoch.take_if(|held| *held == epoch).is_some();
            charge.breaks += u64::from(lost);
            lost
        });
    }

    /// Whoever works because this instance is in charge begins anew from the database.
    pub(crate) fn break_charge(&self) {
        self.charge.send_modify(|charge| charge.breaks += 1);
    }

    pub(crate) fn charge(&self) -> Charge {
        *self.charge.borrow()
    }

    /// Resolves when this instance is in charge.
    pub(crate) async fn in_charge(&self) -> Charge {
        let mut charge = self.charge.subscribe();
        let charge = charge.wait_for(|charge| charge.epoch.is_some()).await;
        charge.map_or_else(|_| Charge::default(), |charge| *charge)
    }

    /// Resolves when this instance is not in charge any more, or was not for a while.
    pub(crate) async fn left_charge(&self, since: Charge) {
        let _ = self.charge.subscribe().wait_for(|charge| charge.breaks != since.breaks).await;
    }

    /// Resolves when this instance does not hold the epoch.
    pub(crate) async fn lost_charge(&self, epoch: i64) {
        let _ = self.charge.subscribe().wait_for(|charge| charge.epoch != Some(epoch)).await;
    }

    pub(crate) fn set_forgettable(&self, number: i64) {
        self.forgettable.store(number, Ordering::Relaxed);
    }
    pub(crate) fn forgettable(&self) -> i64 {
        self.forgettable.load(Ordering::Relaxed)
    }

    pub(crate) fn set_acknowledged(&self, count: i64) {
        self.acknowledged.store(count, Ordering::Relaxed);
    }
    pub(crate) fn acknowledged(&self) -> i64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(crate) fn set_backlog(&self, rows: u64) {
        self.backlog.store(rows, Ordering::Relaxed);
    }
    pub(crate) fn backlog(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Where the circuits stand; who watches them is woken only if that has changed.
    pub(crate) fn set_standings(&self, now: Standings) {
        self.standings.send_if_modified(|before| {
            let changed = (before.caught_up, &before.circuits) != (now.caught_up, &now.circuits);
            *before = Arc::new(now);
            changed
        });
    }
    pub(crate) fn standings(&self) -> Arc<Standings> {
        self.standings.borrow().clone()
    }
    pub(crate) fn watch_standings(&self) -> watch::Receiver<Arc<Standings>> {
        self.standings.subscribe()
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
