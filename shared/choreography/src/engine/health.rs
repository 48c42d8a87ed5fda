//! The health of a service: which of its parts work, and why others do not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The health of a service, part by part. An `Err` is one sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The database: whether the last statement succeeded, or its error.
    pub database: Result<(), String>,
    /// Reading: whether messages are read, here or by another instance, or why not and what can be done.
    pub reading: Result<(), String>,
    /// Compensations: whether every dead one and every failed fallback is repaired, or how many are not, and the first.
    /// The service works in both cases.
    pub compensations: Result<(), String>,
    /// Effects: whether none waits for longer than a minute, or since when the oldest does, and why. The service works in
    /// both cases.
    pub effects: Result<(), String>,
    /// Publishing: whether outgoing messages are published, here or by another instance, or why not.
    pub publishing: Result<(), String>,
}

/// The parts of [`Health`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Database,
    Reading,
    Compensations,
    Effects,
    Publishing,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Reading => "reading",
            Self::Compensations => "compensations",
            Self::Effects => "effects",
            Self::Publishing => "publishing",
        }
    }

    fn of(self, health: &mut Health) -> &mut Result<(), String> {
        match self {
            Self::Database => &mut health.database,
            Self::Reading => &mut health.reading,
            Self::Compensations => &mut health.compensations,
            Self::Effects => &mut health.effects,
            Self::Publishing => &mut health.publishing,
        }
    }
}

/// Where the tasks of a service report its health; a clone is the same reporter.
#[derive(Clone)]
pub(crate) struct HealthReporter {
    health: Arc<Mutex<Health>>,
}

impl HealthReporter {
    /// Returns the reporter of a service that is starting: it neither reads nor publishes yet.
    pub(crate) fn starting() -> Self {
        let starting = || Err("starting".to_owned());
        let health = Health {
            database: Ok(()),
            reading: starting(),
            compensations: Ok(()),
            effects: Ok(()),
            publishing: starting(),
        };
        Self { health: Arc::new(Mutex::new(health)) }
    }

    fn locked(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn current(&self) -> Health {
        self.locked().clone()
    }

    /// Sets one part. A change is logged once.
    fn set(&self, part: Part, now: Result<(), String>) {
        let mut health = self.locked();
        let before = part.of(&mut health);
        if *before == now {
            return;
        }
        // The text about late effects says for how long, and so changes all the time.
        if part == Part::Effects && before.is_err() == now.is_err() {
            *before = now;
            return;
        }
        let part_name = part.name();
        match &now {
            Ok(()) => tracing::info!("{part_name}: healthy"),
            Err(problem) if part == Part::Compensations => tracing::error!("{part_name}: {problem}"),
            Err(problem) => tracing::warn!("{part_name}: {problem}"),
        }
        *before = now;
    }

    pub(crate) fn database(&self, now: Result<(), String>) {
        self.set(Part::Database, now);
    }
    pub(crate) fn reading(&self, now: Result<(), String>) {
        self.set(Part::Reading, now);
    }
    pub(crate) fn compensations(&self, now: Result<(), String>) {
        self.set(Part::Compensations, now);
    }
    pub(crate) fn effects(&self, now: Result<(), String>) {
        self.set(Part::Effects, now);
    }
    pub(crate) fn publishing(&self, now: Result<(), String>) {
        self.set(Part::Publishing, now);
    }
}
