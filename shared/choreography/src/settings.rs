//! How a service runs: every bound and time-out of the runtime, with its default and its reason.

use std::time::Duration;

use crate::clock::Clock;

/// At most so many messages, and as many commands, in one batch. Beyond that a commit gets longer, not cheaper.
pub(crate) const BATCH_MAX: usize = 512;
/// At most so many published messages unacknowledged.
pub(crate) const WINDOW_MAX: usize = 1_024;
/// At most so many commands waiting for a batch; the next one is told to come back.
pub(crate) const COMMANDS_MAX: usize = 4_096;
/// At most so many effects running at once.
pub(crate) const EFFECTS_RUNNING_MAX: usize = 32;
/// At most so many effects in memory; the others stay in the database until there is room.
pub(crate) const EFFECTS_LOADED_MAX: usize = 1_024;
/// How often a batch is tried on rows that another instance keeps changing.
pub(crate) const CONFLICTS_MAX: u32 = 5;
/// How long an instance may be silent before a standby takes over; renewed every [`MAINTENANCE_EVERY`].
pub(crate) const LEASE: Duration = Duration::from_secs(4);
/// How often a standby looks whether it may take over.
pub(crate) const STANDBY_LOOKS_EVERY: Duration = Duration::from_millis(500);
/// How often the lease is renewed and old rows are forgotten.
pub(crate) const MAINTENANCE_EVERY: Duration = Duration::from_secs(1);
/// How soon outbox rows are noticed that another instance committed.
pub(crate) const OUTBOX_LOOKS_EVERY: Duration = Duration::from_millis(100);
/// How often the server is asked for a sign of life, which lets the safe position move on and the outbox forget.
pub(crate) const ALIVE_ASKED_EVERY: Duration = Duration::from_secs(1);
/// How often the dead letters are read that the circuits follow from.
pub(crate) const LETTERS_READ_EVERY: Duration = Duration::from_millis(250);
/// How soon effects are noticed that another instance committed.
pub(crate) const EFFECTS_LOOKS_EVERY: Duration = Duration::from_secs(1);
/// At most so many inbox rows are forgotten in one go, so that no batch waits long for the database.
pub(crate) const FORGET_MAX: u32 = 5_000;

/// How a service runs.
#[derive(Clone)]
pub struct Settings {
    /// The name space of message types: `<namespace>.<message>.v<version>`.
    pub namespace: String,
    /// The instance's slot, from 0: it reads with the consumer `<service>-<instance>`.
    pub instance: u32,
    /// How long a forward message is worth doing, from the command that began it. 10 minutes by default.
    pub message_deadline: Duration,
    /// How old a position or an acknowledgement must be before the server can't forget it any more: ten times its
    /// `sync_interval`. 10 seconds by default.
    pub safe_after: Duration,
    /// How long a received message's id is remembered. 10 minutes by default.
    pub inbox_kept: Duration,
    /// How long it is remembered that a message died, so that it may be replayed: as long as its dead letter is kept. 30 days
    /// by default.
    pub dead_kept: Duration,
    /// How long the answer to an idempotency key is remembered. 24 hours by default.
    pub replies_kept: Duration,
    /// How often an effect is tried before it dies. 10 by default.
    pub effect_tries_max: u32,
    /// How long an effect is tried before it dies. 15 minutes by default.
    pub effect_time_max: Duration,
    /// The pause after an effect's first failure; doubled after each further one. 0.5 seconds by default.
    pub effect_backoff: Duration,
    /// From how many dead letters of one kind on a cycle of 5 seconds counts against its circuit; the same in every
    /// instance of every service. 3 by default.
    pub circuit_threshold: u32,
    /// How many messages of one kind this instance sends a second while their circuit is half-open; 1,000 at most. 20
    /// by default.
    pub circuit_pace: u32,
    /// How long a message may have been said and not yet sent to a subscriber before that is overdue: its subscriber is down or
    /// slow. 30 seconds by default.
    pub overdue_after: Duration,
    /// While so many rows are on their way, to be published or waiting, nothing new is begun. 100,000 by default.
    pub backlog_max: u64,
    /// Whether every reaction is done a second time, on copies, to see that this changes nothing. By default in builds
    /// with debug assertions.
    pub check_idempotence: bool,
    /// A fault that a test switches on.
    #[cfg(debug_assertions)]
    pub fault: Option<crate::testing::fault::Fault>,
    /// What tells the time.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: "choreography".to_owned(),
            instance: 0,
            message_deadline: Duration::from_secs(600),
            safe_after: Duration::from_secs(10),
            inbox_kept: Duration::from_secs(600),
            dead_kept: Duration::from_secs(30 * 24 * 3_600),
            replies_kept: Duration::from_secs(24 * 3_600),
            effect_tries_max: 10,
            effect_time_max: Duration::from_secs(900),
            effect_backoff: Duration::from_millis(500),
            circuit_threshold: 3,
            circuit_pace: 20,
            overdue_after: Duration::from_secs(30),
            backlog_max: 100_000,
            check_idempotence: cfg!(debug_assertions),
            #[cfg(debug_assertions)]
            fault: None,
            clock: Clock::system(),
        }
    }
}
