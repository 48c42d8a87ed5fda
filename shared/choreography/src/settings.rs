//! The settings of a service, and every bound and pause of the runtime with its reason.

use std::time::Duration;

use crate::clock::Clock;
use crate::fault::Fault;

/// The largest number of messages, and of commands, in one batch. Beyond that a commit gets longer, not cheaper.
pub(crate) const BATCH_MAX: usize = 512;
/// The most bytes of messages that are delivered and not processed yet, those included that the server sends ahead: as
/// many messages fit as two batches have, unless they are larger than 32 KiB each.
pub(crate) const DELIVERED_BYTES_MAX: usize = 32 * 1_024 * 1_024;
/// The largest number of published messages that are not acknowledged: enough to keep the connection busy.
pub(crate) const WINDOW_MAX: usize = 1_024;
/// The largest number of commands that wait for a batch, a few batches; further ones are refused as busy.
pub(crate) const COMMANDS_MAX: usize = 4_096;
/// How many effects of one message run at once, unless it declares another number: the outside world has bounds, too.
pub(crate) const EFFECTS_RUNNING_MAX: usize = 32;
/// The largest number of effects that have run, and whose outcome waits for a batch: while the database commits nothing,
/// no more are run than these, those of one batch, and those that run. After a crash, and when another instance takes
/// over, they are run again.
pub(crate) const EFFECTS_TRIED_MAX: usize = EFFECTS_RUNNING_MAX;
/// The largest number of effects of one message in memory; the others stay in the database until there is room.
pub(crate) const EFFECTS_LOADED_MAX: usize = 1_024;
/// How long running effects may take to finish once the service stops, so that a deploy does not repeat them.
pub(crate) const EFFECTS_FINISH_MAX: Duration = Duration::from_secs(5);
/// How often a batch is tried on rows that another instance keeps changing, before it pauses.
pub(crate) const CONFLICTS_MAX: u32 = 5;
/// After how many crashes on a message or effect that was tried by itself it dies: one crash may be chance.
pub(crate) const CRASHES_MAX: u32 = 2;
/// How long a leader may be silent before a standby takes over; renewed every [`MAINTENANCE_EVERY`].
pub(crate) const LEASE: Duration = Duration::from_secs(4);
/// How often a standby tries to take over: it adds to the time without a leader.
pub(crate) const STANDBY_LOOKS_EVERY: Duration = Duration::from_millis(500);
/// How often the lease is renewed and old rows are deleted.
pub(crate) const MAINTENANCE_EVERY: Duration = Duration::from_secs(1);
/// How often the outbox relay looks for rows that another instance committed.
pub(crate) const OUTBOX_LOOKS_EVERY: Duration = Duration::from_millis(100);
/// How often the connection to the server is checked, which lets the restart position advance and outbox rows be
/// deleted.
pub(crate) const ALIVE_CHECKED_EVERY: Duration = Duration::from_secs(1);
/// How often the outbox relay looks whether the server may have lost something, and notes its progress.
pub(crate) const SERVER_LOOKS_EVERY: Duration = Duration::from_secs(1);
/// How long published rows are kept at least, however many there are: ten times the server's `sync_interval`.
pub(crate) const OUTBOX_KEPT_AT_LEAST: Duration = Duration::from_secs(10);
/// How long the rows are kept that were adopted after the database was put back to an older copy: until then whatever
/// they were published for has been done again.
pub(crate) const ADOPTED_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How often dead letters are read: a small part of the breaker's cycle.
pub(crate) const DEAD_LETTERS_READ_EVERY: Duration = Duration::from_millis(250);
/// How often the effects task looks for effects that another instance committed.
pub(crate) const EFFECTS_LOOKS_EVERY: Duration = Duration::from_secs(1);
/// The largest number of old rows of a kind that are deleted at once, so that no batch waits long for the database.
pub(crate) const FORGET_MAX: u32 = 5_000;

/// The settings of a service. The defaults suit production, with a name space of its own.
///
/// ```
/// # use choreography::Settings;
/// # use std::time::Duration;
/// let settings = Settings { message_deadline: Duration::from_secs(60), ..Settings::default() };
/// assert_eq!(settings.effect_time_max, Duration::from_secs(15 * 60));
/// ```
#[derive(Clone)]
pub struct Settings {
    /// The name space of message types: `<namespace>.<message>.v<version>`. `choreography` by default; the same in
    /// every service of an application.
    pub namespace: String,
    /// The number of this instance, from 0. It reads with the consumer `<service>-<instance>`. 0 by default.
    pub instance: u32,
    /// How long a step may take to be processed; after that it dies as expired. The deadline is handed on from step to
    /// step; a step that follows from a command, an event or a compensation begins a new one. Events and compensations
    /// never expire. 10 minutes by default.
    pub message_deadline: Duration,
    /// How long published messages are kept in the outbox, so that they can be published again if the server loses them;
    /// while the server can't be reached, none gets older. 10 minutes by default.
    pub outbox_kept: Duration,
    /// The largest number of published messages that are kept so long; more are kept for 10 seconds. 200,000 by default.
    pub outbox_kept_max: u64,
    /// How long the ids of dead messages are kept, so that they can be replayed: as long as their dead letters are
    /// kept. 30 days by default.
    pub dead_kept: Duration,
    /// How long the reply to a command is kept under its idempotency key. 24 hours by default.
    pub replies_kept: Duration,
    /// How long an effect is tried, from the beginning of its first try, before its message dies; an effect may declare
    /// another time. 15 minutes by default.
    pub effect_time_max: Duration,
    /// How long one try of an effect may take; an effect may declare another time. 30 seconds by default.
    pub effect_try_time_max: Duration,
    /// The pause after an effect's first failure; doubled after each further one, up to a minute. 0.5 seconds by
    /// default.
    pub effect_backoff: Duration,
    /// How many dead letters of one message within a cycle of 5 seconds make the cycle dirty; the same in every
    /// instance of every service. 3 by default.
    pub circuit_threshold: u32,
    /// How many messages of one kind this instance publishes at least in a second while their circuit is half-open: else a
    /// tenth of their rate in the last minute in which it was closed, and at most 1,000. 20 by default.
    pub circuit_pace_min: u32,
    /// How long after it was published a message that a subscriber has not been sent is overdue: the subscriber is down
    /// or slow. 30 seconds by default.
    pub overdue_after: Duration,
    /// The backlog, rows to be published, waiting messages and effects to be run, above which new stories are refused.
    /// 100,000 by default.
    pub backlog_max: u64,
    /// Whether every reaction and fallback is run a second time, on copies, to check that this changes nothing. On by
    /// default in builds with debug assertions.
    pub check_idempotence: bool,
    /// A fault that a test switches on; a release build does not start with one. None by default.
    pub fault: Option<Fault>,
    /// The source of time, ids and random numbers. The system's clock by default.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: "choreography".to_owned(),
            instance: 0,
            message_deadline: Duration::from_secs(600),
            outbox_kept: Duration::from_secs(600),
            outbox_kept_max: 200_000,
            dead_kept: Duration::from_secs(30 * 24 * 3_600),
            replies_kept: Duration::from_secs(24 * 3_600),
            effect_time_max: Duration::from_secs(900),
            effect_try_time_max: Duration::from_secs(30),
            effect_backoff: Duration::from_millis(500),
            circuit_threshold: 3,
            circuit_pace_min: 20,
            overdue_after: Duration::from_secs(30),
            backlog_max: 100_000,
            check_idempotence: cfg!(debug_assertions),
            fault: None,
            clock: Clock::system(),
        }
    }
}
