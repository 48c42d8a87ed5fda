//! What the tasks of one service know of each other: whether it is well, and which epoch it holds.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::breaker::BreakerSnapshot;

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether the database does what it is asked; otherwise what it said.
    pub database: Result<(), String>,
    /// Whether messages are read, or another instance reads them; otherwise what is in the way and what can be done.
    pub reading: Result<(), String>,
    /// Whether no compensation has died without being repaired; otherwise how many, and the first. The service works all the same.
    pub compensations: Result<(), String>,
    /// Whether what is said is published, or another instance publishes it; otherwise what is in the way.
    pub publishing: Result<(), String>,
}

/// Whether this instance is in charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Leadership {
    /// The epoch that it holds, if it does.
    pub epoch: Option<i64>,
    /// Counts the breaks: between two of them nobody else was in charge, though the epoch may have been raised.
    pub interruptions: u64,
}

/// What the tasks of one service share.
#[derive(Clone)]
pub(crate) struct Shared {
    health: Arc<Mutex<Health>>,
    leadership: watch::Sender<Leadership>,
    /// Outbox rows up to this number need not be kept any more.
    forgettable: Arc<AtomicI64>,
    /// How many outbox rows the server has acknowledged, from the first there ever was: those that are kept all the same,
    /// and those forgotten before.
    acknowledged: Arc<AtomicI64>,
    /// How many rows are on their way, as counted last.
    backlog: Arc<AtomicU64>,
    breaker_snapshot: watch::Sender<Arc<BreakerSnapshot>>,
    stopping: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(now: Timestamp) -> Self {
        let starting = || Err("starting".to_owned());
        let health = Health { database: Ok(()), reading: starting(), compensations: Ok(()), publishing: starting() };
        Self {
            health: Arc::new(Mutex::new(health)),
            leadership: watch::Sender::default(),
            forgettable: Arc::default(),
            acknowledged: Arc::default(),
            backlog: Arc::default(),
            breaker_snapshot: watch::Sender::new(Arc::new(BreakerSnapshot::unknown(now))),
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
            Err(trouble) if what == "compensations" => tracing::error!("{what}: {trouble}"),
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
    pub(crate) fn note_compensations(&self, now: Result<(), String>) {
        self.note("compensations", |health| &mut health.compensations, now);
    }
    pub(crate) fn note_publishing(&self, now: Result<(), String>) {
        self.note("publishing", |health| &mut health.publishing, now);
    }

    /// This instance is in charge from now on. It stays in charge if it held the epoch before this one.
    pub(crate) fn become_leader(&self, epoch: i64) {
        self.leadership.send_modify(|leadership| {
            leadership.interruptions += u64::from(leadership.epoch.is_some_and(|held| held + 1 != epoch));
            leadership.epoch = Some(epoch);
        });
    }

    /// This instance is not in charge under this epoch any more.
    pub(crate) fn step_down(&self, epoch: i64) {
        self.leadership.send_if_modified(|leadership| {
            let lost = leadership.epoch.take_if(|held| *held == epoch).is_some();
            leadership.interruptions += u64::from(lost);
            lost
        });
    }

    /// Whoever works because this instance is in charge begins anew from the database.
    pub(crate) fn interrupt(&self) {
        self.leadership.send_modify(|leadership| leadership.interruptions += 1);
    }

    pub(crate) fn leadership(&self) -> Leadership {
        *self.leadership.borrow()
    }

    /// Resolves when this instance is in charge.
    pub(crate) async fn leading(&self) -> Leadership {
        let mut leadership = self.leadership.subscribe();
        let leadership = leadership.wait_for(|leadership| leadership.epoch.is_some()).await;
        leadership.map_or_else(|_| Leadership::default(), |leadership| *leadership)
    }

    /// Resolves when this instance is not in charge any more, or was not for a while.
    pub(crate) async fn interrupted(&self, since: Leadership) {
        let _ =
            self.leadership.subscribe().wait_for(|leadership| leadership.interruptions != since.interruptions).await;
    }

    /// Resolves when this instance does not hold the epoch.
    pub(crate) async fn stepped_down(&self, epoch: i64) {
        let _ = self.leadership.subscribe().wait_for(|leadership| leadership.epoch != Some(epoch)).await;
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
    pub(crate) fn set_breaker_snapshot(&self, now: BreakerSnapshot) {
        self.breaker_snapshot.send_if_modified(|before| {
            let changed = (before.caught_up, &before.circuits) != (now.caught_up, &now.circuits);
            *before = Arc::new(now);
            changed
        });
    }
    pub(crate) fn breaker_snapshot(&self) -> Arc<BreakerSnapshot> {
        self.breaker_snapshot.borrow().clone()
    }
    pub(crate) fn watch_breaker_snapshot(&self) -> watch::Receiver<Arc<BreakerSnapshot>> {
        self.breaker_snapshot.subscribe()
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
