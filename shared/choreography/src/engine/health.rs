//! The health of a service: which of its parts work, and why others do not; and the troubles that are logged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::trouble::{Trouble, TroubleLog};
use crate::clock::Clock;

/// The health of a service, part by part. An `Err` is one sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The database: whether the last statement succeeded, or its error.
    pub database: Result<(), String>,
    /// Reading: whether messages are read, here or by another instance, or why not and what can be done.
    pub reading: Result<(), String>,
    /// Commands: whether the database has what all commands changed, or how many messages the stream has of commands that
    /// a database that was put back does not know, until an operator accepts that. The service works in both cases.
    pub commands: Result<(), String>,
    /// Compensations: whether every dead one and every failed fallback is repaired, or how many are not, and the first.
    /// The service works in both cases.
    pub compensations: Result<(), String>,
    /// Effects: whether none waits for longer than a minute, or since when the oldest does, and why. The service works in
    /// both cases.
    pub effects: Result<(), String>,
    /// Lost messages: whether everything that was published for this service came, or how many messages did not, and will
    /// not, until an operator accepts that.
    pub lost: Result<(), String>,
    /// Publishing: whether outgoing messages are published, here or by another instance, or why not.
    pub publishing: Result<(), String>,
    /// Rows: whether every row that a message concerned was readable, or which are not. The service works in both cases.
    pub rows: Result<(), String>,
    /// Streams: whether those of the server are far from their limits, or how full they are. The service works in both
    /// cases.
    pub streams: Result<(), String>,
    /// Subscribers: whether all of them can read what is published, or which messages are kept until they can. The service
    /// works in both cases.
    pub subscribers: Result<(), String>,
}

/// The parts of [`Health`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Database,
    Reading,
    Commands,
    Compensations,
    Effects,
    Lost,
    Publishing,
    Rows,
    Streams,
    Subscribers,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Reading => "reading",
            Self::Commands => "commands",
            Self::Compensations => "compensations",
            Self::Effects => "effects",
            Self::Lost => "lost",
            Self::Publishing => "publishing",
            Self::Rows => "rows",
            Self::Streams => "streams",
            Self::Subscribers => "subscribers",
        }
    }

    fn of(self, health: &mut Health) -> &mut Result<(), String> {
        match self {
            Self::Database => &mut health.database,
            Self::Reading => &mut health.reading,
            Self::Commands => &mut health.commands,
            Self::Compensations => &mut health.compensations,
            Self::Effects => &mut health.effects,
            Self::Lost => &mut health.lost,
            Self::Publishing => &mut health.publishing,
            Self::Rows => &mut health.rows,
            Self::Streams => &mut health.streams,
            Self::Subscribers => &mut health.subscribers,
        }
    }
}

/// Where the tasks of a service report its health and its troubles; a clone is the same reporter.
#[derive(Clone)]
pub(crate) struct HealthReporter {
    health: Arc<Mutex<Health>>,
    /// The troubles, by what they are about.
    troubles: Arc<Mutex<BTreeMap<String, Trouble>>>,
    clock: Clock,
}

impl HealthReporter {
    /// Returns the reporter of a service that is starting: it neither reads nor publishes yet.
    pub(crate) fn starting(clock: Clock) -> Self {
        let starting = || Err("starting".to_owned());
        let health = Health {
            database: Ok(()),
            reading: starting(),
            commands: Ok(()),
            compensations: Ok(()),
            effects: Ok(()),
            lost: Ok(()),
            publishing: starting(),
            rows: Ok(()),
            streams: Ok(()),
            subscribers: Ok(()),
        };
        Self { health: Arc::new(Mutex::new(health)), troubles: Arc::default(), clock }
    }

    fn locked(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn current(&self) -> Health {
        self.locked().clone()
    }

    /// Sets one part.
    fn set(&self, part: Part, now: Result<(), String>) {
        self.trouble(part.name(), now.as_ref().copied().map_err(String::as_str));
        *part.of(&mut self.locked()) = now;
    }

    /// Reports a trouble with a sentence on what to do about it, or that there is none. It is logged when it begins and
    /// when it is over, however often it is reported.
    pub(crate) fn trouble(&self, about: &str, now: Result<(), &str>) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        // Every batch says that nothing is wrong: mostly, nothing was.
        if now.is_ok() && !troubles.get(about).is_some_and(Trouble::has_begun) {
            return;
        }
        let trouble = troubles.entry(about.to_owned()).or_default();
        log(about, trouble.report(now, self.clock.now()));
    }

    /// Logs the troubles that are over. To be called once a second.
    pub(crate) fn look(&self) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.iter_mut().for_each(|(about, trouble)| log(about, trouble.look(self.clock.now())));
    }

    pub(crate) fn database(&self, now: Result<(), String>) {
        self.set(Part::Database, now);
    }
    pub(crate) fn reading(&self, now: Result<(), String>) {
        self.set(Part::Reading, now);
    }
    pub(crate) fn commands(&self, now: Result<(), String>) {
        self.set(Part::Commands, now);
    }
    pub(crate) fn compensations(&self, now: Result<(), String>) {
        self.set(Part::Compensations, now);
    }
    pub(crate) fn effects(&self, now: Result<(), String>) {
        self.set(Part::Effects, now);
    }
    pub(crate) fn lost(&self, now: Result<(), String>) {
        self.set(Part::Lost, now);
    }
    pub(crate) fn publishing(&self, now: Result<(), String>) {
        self.set(Part::Publishing, now);
    }
    pub(crate) fn streams(&self, now: Result<(), String>) {
        self.set(Part::Streams, now);
    }
    pub(crate) fn subscribers(&self, now: Result<(), String>) {
        self.set(Part::Subscribers, now);
    }
    pub(crate) fn rows(&self, now: Result<(), String>) {
        self.set(Part::Rows, now);
    }
}

fn log(about: &str, log: Option<TroubleLog>) {
    match log {
        None => {}
        // These page an operator; the others are over by themselves, or stop the service from being ready.
        Some(TroubleLog::Begins(problem)) if ["compensations", "unreadable messages"].contains(&about) => {
            tracing::error!("{about}: {problem}");
        }
        Some(TroubleLog::Begins(problem)) => tracing::warn!("{about}: {problem}"),
        Some(TroubleLog::Over(lasted)) => tracing::info!("{about}: over after {} s", lasted.as_secs()),
    }
}
