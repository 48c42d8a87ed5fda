//! What the tasks of one service share. Each part is a handle: a clone is the same part.

use super::halt::Halt;
use super::health::HealthReporter;
use super::intake::BacklogCount;
use super::leadership::Leadership;
use super::outbox_numbers::OutboxNumbers;
use super::processed::ProcessedCounts;
use super::repaired::OutboxRepaired;
use super::run_record::RunRecord;
use super::shared_snapshot::SharedSnapshot;
use super::stopping::Stopping;
use crate::clock::Clock;

/// What the tasks of one service share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub health: HealthReporter,
    pub leadership: Leadership,
    pub breaker: SharedSnapshot,
    pub outbox: OutboxNumbers,
    pub repaired: OutboxRepaired,
    pub backlog: BacklogCount,
    pub processed: ProcessedCounts,
    pub halt: Halt,
    pub run: RunRecord,
    pub stopping: Stopping,
}

impl Shared {
    /// Returns the shared parts of a service that is starting.
    pub(crate) fn starting(clock: &Clock) -> Self {
        Self {
            health: HealthReporter::starting(clock.clone()),
            leadership: Leadership::default(),
            breaker: SharedSnapshot::unknown(clock.now()),
            outbox: OutboxNumbers::default(),
            repaired: OutboxRepaired::default(),
            backlog: BacklogCount::default(),
            processed: ProcessedCounts::default(),
            halt: Halt::default(),
            run: RunRecord::default(),
            stopping: Stopping::default(),
        }
    }
}
