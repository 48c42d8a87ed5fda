//! Bugs that a test plants in the engine, to see that the other tests and the simulation find them (feature `testing`).
//!
//! Each stands in the engine as one line that asks [`planted`]. Without the feature no bug can be planted, and the compiler
//! removes these lines.

#[cfg(feature = "testing")]
use std::cell::Cell;
#[cfg(feature = "testing")]
use std::marker::PhantomData;

/// A bug that a test plants in the engine, by name: a rule that is left out.
///
/// A test plants one to see that it would be noticed. Whoever checks services of their own with the harness can see in
/// this way what their checks are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub, reason = "only tests name bugs"))]
#[non_exhaustive]
pub enum PlantedBug {
    /// A batch moves the position from wherever it is by now, and not only from where the batch began.
    PositionNotChecked,
    /// What only the leader may commit, as what became of effects, is committed under whatever epoch is current by now.
    EpochNotChecked,
    /// What became of an effect is committed whether the effect is still queued or not.
    EffectsNotChecked,
    /// A message is processed whether its number was received before or not.
    NumbersNotChecked,
    /// The numbers that a batch has received are not stored with what the batch did.
    NumbersNotStored,
    /// The outbox relay gets the messages of a batch before the batch is committed.
    PublishedBeforeCommit,
    /// Two messages of a series carry the same number.
    NumberGivenTwice,
    /// A commit does not check whether another instance has changed the rows since they were read.
    StaleRowTrusted,
    /// A batch that finds its rows in the cache does not ask for messages that wait for them.
    WaitsNotLookedUp,
    /// A message whose row is missing is not kept.
    WaitingForgotten,
    /// Messages that waited come after those that arrived with the row.
    OrderLostAcrossWait,
    /// A message that waits never expires.
    WaitingNeverExpires,
    /// A step is processed however long after its deadline it arrives.
    ExpiryIgnored,
    /// The position moves past a message that died, without its dead letter.
    DeadLetterOmitted,
    /// The fallback of a message that died is not called.
    FallbackOmitted,
    /// What a fallback returned is published twice.
    FallbackPublishedTwice,
    /// A compensation that finds no row leaves none.
    TombstoneOmitted,
    /// A scheduled message that is due is published twice.
    ScheduledPublishedTwice,
    /// A command that was executed leaves no reply under its idempotency key.
    ReplyNotStored,
    /// A row counts as stored whatever the server says about it.
    AcknowledgementTakenForGranted,
    /// The repair takes the last row of the outbox for stored.
    RepairSkipsLastRow,
    /// The repair looks for no row that was noted as stored, though the stream has a hole.
    HoleNotListed,
    /// Own messages that the database does not know are not adopted.
    AdoptionOmitted,
    /// Published rows are not kept.
    PublishedRowsForgotten,
    /// The note of settled numbers leaves out which of them the stream lacks.
    SettledTooEarly,
    /// The outbox relay publishes messages whose circuit is open.
    OpenCircuitIgnored,
    /// A circuit that is not closed any more stays as it is.
    CircuitNeverCloses,
    /// On a new connection the position counts as still there.
    PositionNotVerified,
    /// The newest checkpoint counts as still there.
    CheckpointsNotLookedAt,
    /// A halt is not stored in the database.
    HaltNotStored,
    /// A gap between the messages that were delivered is not noticed.
    GapNotNoticed,
    /// A leader goes on when another instance has taken its lease.
    LeadsWithoutLease,
    /// The effects task takes no effects from the database, only those of its own batches.
    QueuedEffectsForgotten,
}

/// Whether a test has planted this bug in what runs on this thread.
#[cfg(feature = "testing")]
pub(crate) fn planted(bug: PlantedBug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Returns false: without the feature `testing` there is no planted bug.
#[cfg(not(feature = "testing"))]
pub(crate) const fn planted(_: PlantedBug) -> bool {
    false
}

#[cfg(feature = "testing")]
thread_local! {
    static PLANTED: Cell<Option<PlantedBug>> = const { Cell::new(None) };
}

/// A planted bug. It is gone when this is dropped.
#[cfg(feature = "testing")]
#[derive(Debug)]
#[must_use = "the bug is gone when this is dropped"]
pub struct Planted {
    // It stays on its thread.
    thread: PhantomData<*const ()>,
}

#[cfg(feature = "testing")]
impl PlantedBug {
    /// Every bug.
    pub const ALL: &[Self] = &[
        Self::PositionNotChecked,
        Self::EpochNotChecked,
        Self::EffectsNotChecked,
        Self::NumbersNotChecked,
        Self::NumbersNotStored,
        Self::PublishedBeforeCommit,
        Self::NumberGivenTwice,
        Self::StaleRowTrusted,
        Self::WaitsNotLookedUp,
        Self::WaitingForgotten,
        Self::OrderLostAcrossWait,
        Self::WaitingNeverExpires,
        Self::ExpiryIgnored,
        Self::DeadLetterOmitted,
        Self::FallbackOmitted,
        Self::FallbackPublishedTwice,
        Self::TombstoneOmitted,
        Self::ScheduledPublishedTwice,
        Self::ReplyNotStored,
        Self::AcknowledgementTakenForGranted,
        Self::RepairSkipsLastRow,
        Self::HoleNotListed,
        Self::AdoptionOmitted,
        Self::PublishedRowsForgotten,
        Self::SettledTooEarly,
        Self::OpenCircuitIgnored,
        Self::CircuitNeverCloses,
        Self::PositionNotVerified,
        Self::CheckpointsNotLookedAt,
        Self::HaltNotStored,
        Self::GapNotNoticed,
        Self::LeadsWithoutLease,
        Self::QueuedEffectsForgotten,
    ];

    /// Plants this bug, in the place of another one, in every service that runs on this thread, as those of a
    /// [`Harness`](crate::testing::Harness) do.
    pub fn plant(self) -> Planted {
        PLANTED.set(Some(self));
        Planted { thread: PhantomData }
    }
}

#[cfg(feature = "testing")]
impl Drop for Planted {
    fn drop(&mut self) {
        PLANTED.set(None);
    }
}
