//! A service: a database, two instances of which one leads, and their connections.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::checkpoints::Checkpoint;
use crate::database::{Database, NewRow};
use crate::message::{Id, Kind, Message, Series, ServiceName, Tick};
use crate::outbox::RowName;
use crate::rules::Rules;
use crate::stream::Stream;

/// What a publisher notes once a minute for its subscribers: `PROGRESS`.
pub(crate) struct Note {
    /// When it was written.
    pub at: Tick,
    /// The server's start at which it was written.
    pub start: u64,
    /// The last sequence of the stream at that time.
    pub up_to: u64,
    /// Everything of a series up to this number is in the stream, or lost for good.
    pub published: BTreeMap<Series, u64>,
}

/// What all services share, and what the checks compare with.
pub(crate) struct Shared {
    /// The rules of this story.
    pub rules: Rules,
    /// The stream.
    pub stream: Stream,
    /// The notes of the publishers.
    pub notes: BTreeMap<ServiceName, Note>,
    /// The newest outbox.
    pub outboxes: u64,
    /// For the checks: the names that each id was given, by all lives of its publisher.
    pub names: BTreeMap<Id, BTreeSet<RowName>>,
    /// For the checks: each id's kind, key, and place in the order of commits.
    pub ids: BTreeMap<Id, (Kind, u8, u64)>,
    /// For the checks: what was ever reported lost, and by whom.
    pub reports: BTreeSet<(ServiceName, RowName)>,
    /// For the checks: how many copies were stored of what the stream had already.
    pub copies: u64,
}

/// Messages that were delivered and are not committed yet.
pub(crate) struct Batch {
    /// The position that they follow.
    pub after: Checkpoint,
    /// The messages with their places.
    pub messages: Vec<(Message, Checkpoint)>,
}

/// A connection to the server. It lives once.
pub(crate) struct Connection {
    /// The server's start.
    pub start: u64,
    /// What was sent and did not arrive yet.
    pub in_flight: VecDeque<Message>,
    /// Rows that the stream has: where, and for how many ticks.
    pub acknowledged: BTreeMap<RowName, (Checkpoint, Tick)>,
    /// Whether the rows have been compared with the stream.
    pub repaired: bool,
    /// Whether it is known where to go on reading.
    pub resumed: bool,
}

/// A process.
#[derive(Default)]
pub(crate) struct Instance {
    /// The outbox that began with its start.
    pub outbox: u64,
    /// The highest numbers it has given.
    pub given: BTreeMap<Series, u64>,
    /// The highest epoch it has seen.
    pub seen_epoch: u64,
    /// The epoch, while it believes to lead.
    pub epoch: Option<u64>,
    /// Whether it stands still, without knowing.
    pub paused: bool,
    /// The connection.
    pub connection: Option<Connection>,
    /// What it has read.
    pub batch: Option<Batch>,
}

/// A service.
pub(crate) struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Its database.
    pub database: Database,
    /// Copies of its database.
    pub copies: Vec<Database>,
    /// Its processes.
    pub instances: [Instance; 2],
    /// Whether the server can be reached.
    pub network: bool,
    /// Whether it exists yet.
    pub exists: bool,
    /// Kinds that an open circuit holds.
    pub held: BTreeSet<Kind>,
    /// What was sent over connections that ended, with the server's start.
    pub delayed: VecDeque<(u64, VecDeque<Message>)>,
}

impl Service {
    /// Makes a service with two running instances.
    pub(crate) fn new(name: ServiceName, shared: &mut Shared) -> Self {
        let (database, instances) = (Database::default(), [Instance::default(), Instance::default()]);
        let (copies, held, delayed) = (Vec::new(), BTreeSet::new(), VecDeque::new());
        let mut made = Self { name, database, copies, instances, network: true, exists: true, held, delayed };
        made.database.head.stream_created = 1;
        (0..2).for_each(|instance| made.restart(instance, shared));
        made
    }

    /// Ends a process in the middle of whatever it does, and starts it again.
    pub(crate) fn restart(&mut self, instance: usize, shared: &mut Shared) {
        self.disconnect(instance);
        shared.outboxes += 1;
        self.instances[instance] = Instance { outbox: shared.outboxes, ..Instance::default() };
    }

    /// Ends a process that sees the database older than before: it was put back to a copy.
    pub(crate) fn end_if_database_is_older(&mut self, instance: usize, shared: &mut Shared) {
        let (database, process) = (&self.database, &mut self.instances[instance]);
        let gave = |(series, number): (&Series, &u64)| database.given.get(series).is_none_or(|given| given < number);
        let is_older = database.head.epoch < process.seen_epoch || process.given.iter().any(gave);
        process.seen_epoch = database.head.epoch;
        if is_older && shared.rules.end_when_database_is_older && !process.paused {
            self.restart(instance, shared);
        }
    }

    /// Ends a connection; what was sent over it may still arrive.
    pub(crate) fn disconnect(&mut self, instance: usize) {
        if let Some(connection) = self.instances[instance].connection.take() {
            self.delayed.push_back((connection.start, connection.in_flight));
        }
        self.instances[instance].batch = None;
    }

    /// Leads no more: another instance has the epoch.
    pub(crate) fn step_down(&mut self, instance: usize) {
        self.disconnect(instance);
        self.instances[instance].epoch = None;
    }

    /// Whether the instance believes to lead; it claims the epoch if no other holds the lease.
    pub(crate) fn leads(&mut self, instance: usize, now: Tick) -> bool {
        if !self.exists || self.instances[instance].paused {
            return false;
        }
        let head = &mut self.database.head;
        let is_free = head.lease.is_none_or(|(holder, until)| holder == instance || until < now);
        if self.instances[instance].epoch.is_none() && is_free {
            head.epoch += 1;
            head.lease = Some((instance, now + 1));
            self.instances[instance].epoch = Some(head.epoch);
        }
        self.instances[instance].epoch.is_some()
    }

    /// Whether a commit of this instance passes the guard; otherwise it steps down.
    pub(crate) fn passes_guard(&mut self, instance: usize, shared: &mut Shared) -> bool {
        self.end_if_database_is_older(instance, shared);
        let rules = &shared.rules;
        let passes = !rules.guard_by_epoch || self.instances[instance].epoch == Some(self.database.head.epoch);
        if !passes {
            self.step_down(instance);
        }
        passes
    }

    /// Prolongs the lease, or takes it over when it is free.
    pub(crate) fn renew_lease(&mut self, instance: usize, shared: &Shared) {
        let now = shared.stream.now;
        if self.leads(instance, now) && self.instances[instance].epoch == Some(self.database.head.epoch) {
            self.database.head.lease = Some((instance, now + 1));
        } else if !self.instances[instance].paused {
            self.step_down(instance);
        }
    }

    /// Connects if necessary; returns whether the instance leads, and is connected to the running server.
    ///
    /// On every new connection rows are repaired and the position is verified, before anything else is done.
    pub(crate) fn connect(&mut self, instance: usize, shared: &mut Shared) -> bool {
        if !self.network || !self.leads(instance, shared.stream.now) {
            return false;
        }
        let start = shared.stream.starts;
        if self.instances[instance].connection.as_ref().is_none_or(|connection| connection.start != start) {
            self.disconnect(instance);
            if !self.passes_guard(instance, shared) {
                return false;
            }
            let (in_flight, acknowledged) = (VecDeque::new(), BTreeMap::new());
            let connection = Connection { start, in_flight, acknowledged, repaired: false, resumed: false };
            self.instances[instance].connection = Some(connection);
        }
        if shared.rules.repair_before_reading {
            self.repair(instance, shared);
        }
        true
    }

    /// Returns the connection; a caller has connected before.
    pub(crate) fn connection(&mut self, instance: usize) -> &mut Connection {
        self.instances[instance].connection.as_mut().expect("the instance is connected")
    }

    /// Commits a row for a command, at any instance: no epoch is needed.
    pub(crate) fn commit_row(&mut self, instance: usize, row: NewRow, shared: &mut Shared) {
        self.end_if_database_is_older(instance, shared);
        let own = self.instances[instance].outbox;
        let outbox = if shared.rules.outbox_for_each_start { own } else { 1 };
        let series = Series { publisher: self.name, outbox, kind: row.kind };
        let order = shared.ids.len() as u64;
        shared.ids.entry(row.id).or_insert((row.kind, row.key, order));
        if let Some(name) = self.database.insert(series, row, shared.rules.skip_known_ids) {
            shared.names.entry(row.id).or_default().insert(name);
            self.instances[instance].given.insert(series, name.1);
            self.database.given_at.insert(series, shared.stream.now);
        }
    }

    /// Does what a leader does once a tick.
    pub(crate) fn maintain(&mut self, instance: usize, shared: &mut Shared) {
        if self.connect(instance, shared) && self.passes_guard(instance, shared) {
            if self.name.publishes() {
                self.relay(instance, shared);
                self.forget(instance, shared);
                self.forget_given(shared);
                if shared.rules.note_published_numbers {
                    self.note_published_numbers(instance, shared);
                }
            }
            self.note_checkpoint(instance, shared);
            self.report_missing(instance, shared);
        }
    }
}
