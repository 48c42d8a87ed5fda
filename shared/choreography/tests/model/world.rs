//! The services around one stream, and what each step of a story does to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoints::{Checkpoint, StreamView};
use crate::database::{NewRow, Subscription};
use crate::message::{Id, Kind, ServiceName, Tick};
use crate::outbox::RowName;
use crate::publishing::{Fate, KEEP};
use crate::rules::Rules;
use crate::service::{Service, Shared};
use crate::services::{Services, Sizes};
use crate::story::{Step, Trouble};
use crate::stream::Stream;

/// For how many ticks the stream keeps messages in stories with limits.
const AGE_MAX: Tick = 15;

/// Everything that takes part in a story.
pub(crate) struct World {
    /// What the services share.
    pub shared: Shared,
    /// The services.
    pub services: Services,
    /// Whether something happened that may change the order of messages.
    pub order_may_change: bool,
    /// Whether a database of a publisher was put back.
    pub publisher_put_back: bool,
    /// Whether a number was reported lost that the stream, or its publisher's outbox, had at that moment.
    pub reported_though_kept: bool,
    /// How much the tables held at most.
    pub sizes: Sizes,
    /// How many ids were given to commands and scheduled messages.
    ids: u64,
}

impl World {
    /// Makes a world in which nothing has happened.
    pub(crate) fn new(rules: Rules, troubles: &[Trouble]) -> Self {
        let age_max = troubles.contains(&Trouble::Limits).then_some(AGE_MAX);
        let mut shared = Shared {
            rules,
            stream: Stream::new(age_max),
            notes: BTreeMap::new(),
            outboxes: 0,
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            reports: BTreeSet::new(),
            copies: 0,
        };
        let services = Services(ServiceName::ALL.map(|name| Service::new(name, &mut shared)));
        let mut world = Self {
            shared,
            services,
            order_may_change: false,
            publisher_put_back: false,
            reported_though_kept: false,
            sizes: Sizes::default(),
            ids: 0,
        };
        world.deploy(ServiceName::Payment, &[Kind::CreatePayment]);
        world.deploy(ServiceName::Delivery, &[Kind::CreatePayment, Kind::PaymentCreated]);
        world.services[ServiceName::Notify].exists = false;
        world
    }

    /// Begins a service with an empty database, at the first message that the stream still has.
    fn deploy(&mut self, name: ServiceName, kinds: &[Kind]) {
        let (shared, service) = (&self.shared, &mut self.services[name]);
        let first = shared.stream.first_sequence() - 1;
        let database = &mut service.database;
        let begun_before = if first == 0 { 0 } else { shared.outboxes };
        let deployed_at = shared.stream.newest_stamp();
        let subscription = Subscription { since_outbox: begun_before, deployed_at };
        database.subscriptions = kinds.iter().map(|kind| (*kind, subscription)).collect();
        database.head.position = Checkpoint { sequence: first, ..Checkpoint::default() };
        database.head.stream_created = shared.stream.created();
        database.checkpoints.note(database.head.position);
        service.exists = true;
    }

    /// Lets a step happen.
    pub(crate) fn take(&mut self, step: Step) {
        if self.happens_to_services(step) {
            return;
        }
        self.order_may_change = true;
        let stream = &mut self.shared.stream;
        match step {
            Step::LoseTail(count) => stream.lose_tail(count),
            Step::LoseHole(from_last, count) => stream.lose_hole(from_last, count),
            Step::LoseHead(count) => stream.lose_head(count),
            Step::CopyStream => stream.copy(),
            Step::PutStreamBack(which) => stream.put_back(which),
            Step::Recreate => stream.recreate(),
            _ => self.happens_to_databases(step),
        }
    }

    fn happens_to_services(&mut self, step: Step) -> bool {
        let (services, shared) = (&mut self.services, &mut self.shared);
        match step {
            Step::Command(instance, kind, key, refused) => self.command(instance, kind, key, refused),
            Step::Schedule(key) => self.schedule(key),
            Step::Due(instance) => self.publish_scheduled(instance),
            Step::Send(name, instance, limit) => services[name].send(instance, limit, shared),
            Step::Arrive(name, instance, count) => {
                (0..count).for_each(|_| services[name].arrive(instance, Fate::Acknowledged, shared));
            }
            Step::Break(name, instance, fate) => services[name].arrive(instance, fate, shared),
            Step::ArriveLate(name) => services[name].arrive_late(shared),
            Step::Read(name, instance, limit) => services[name].read(instance, limit, shared),
            Step::Commit(name, instance) => services[name].commit(instance, shared),
            Step::Pass(ticks) => (0..ticks).for_each(|_| self.pass()),
            Step::Restart(name, instance) => services[name].restart(instance, shared),
            Step::Pause(name, instance) => {
                services[name].read(instance, usize::MAX, shared);
                services[name].instances[instance].paused = true;
            }
            Step::Continue(name, instance) => {
                services[name].instances[instance].paused = false;
                services[name].commit(instance, shared);
            }
            Step::Disconnect(name) => self.cut_off(name),
            Step::Reconnect(name) => services[name].network = true,
            Step::Hold(kind) => drop(services[kind.publisher()].held.insert(kind)),
            Step::Release(kind) => drop(services[kind.publisher()].held.remove(&kind)),
            _ => return false,
        }
        true
    }

    fn happens_to_databases(&mut self, step: Step) {
        let (services, shared) = (&mut self.services, &mut self.shared);
        match step {
            Step::CopyDatabase(name) => {
                let copy = services[name].database.clone();
                services[name].copies.push(copy);
            }
            Step::PutDatabaseBack(name, which, restarts) => {
                let service = &mut services[name];
                if let Some(copy) = service.copies.get(which % service.copies.len().max(1)).cloned() {
                    service.database = copy;
                    self.publisher_put_back |= name.publishes();
                    (0..2).filter(|_| restarts).for_each(|instance| service.restart(instance, shared));
                }
            }
            Step::Deploy if !services[ServiceName::Notify].exists => {
                self.deploy(ServiceName::Notify, &[Kind::CreatePayment, Kind::OrderUpdated, Kind::PaymentCreated]);
            }
            Step::Subscribe => {
                self.pass(); // it waits for a note of the publisher, but not for ever
                self.services[ServiceName::Delivery].subscribe(Kind::OrderUpdated, &self.shared);
            }
            Step::Operate(name) => services[name].go_on_after_halt(shared),
            _ => {}
        }
    }

    fn new_id(&mut self) -> Id {
        self.ids += 1;
        Id { origin: self.ids, derived: false }
    }

    fn command(&mut self, instance: usize, kind: Kind, key: u8, refused: bool) {
        let id = self.new_id();
        self.commit_at_order(instance, NewRow { kind, id, key, refused });
    }

    fn schedule(&mut self, key: u8) {
        let id = self.new_id();
        let order = &mut self.services[ServiceName::Order];
        order.database.scheduled.push((id, key));
    }

    fn publish_scheduled(&mut self, instance: usize) {
        let order = &mut self.services[ServiceName::Order];
        if !order.database.scheduled.is_empty() {
            let (id, key) = order.database.scheduled.remove(0);
            self.commit_at_order(instance, NewRow { kind: Kind::CreatePayment, id, key, refused: false });
        }
    }

    fn commit_at_order(&mut self, instance: usize, row: NewRow) {
        let order = &mut self.services[ServiceName::Order];
        if !order.instances[instance].paused {
            order.commit_row(instance, row, &mut self.shared);
        }
    }

    fn cut_off(&mut self, name: ServiceName) {
        let service = &mut self.services[name];
        service.network = false;
        (0..2).for_each(|instance| service.disconnect(instance));
    }

    /// Lets one tick pass.
    fn pass(&mut self) {
        self.shared.stream.now += 1;
        let reported = self.shared.reports.clone();
        for service in self.services.0.iter_mut() {
            for instance in 0..2 {
                service.end_if_database_is_older(instance, &mut self.shared);
                service.renew_lease(instance, &self.shared);
                service.maintain(instance, &mut self.shared);
            }
            self.sizes = self.sizes.max(service.sizes());
        }
        let new = self.shared.reports.difference(&reported).map(|(_, name)| *name);
        self.reported_though_kept |= new.into_iter().any(|name| self.is_kept(name));
        self.shared.stream.drop_old();
    }

    /// Whether the stream, or the publisher's outbox, has a row.
    fn is_kept(&self, name: RowName) -> bool {
        let publisher = &self.services[name.0.publisher].database;
        self.shared.stream.has(name) || publisher.outbox.iter().any(|row| row.name() == name)
    }

    /// Ends all trouble, and lets everything that can be published and read be so.
    pub(crate) fn finish(&mut self) {
        self.shared.stream.age_max = None;
        for service in self.services.0.iter_mut() {
            service.network = true;
            service.held.clear();
            service.instances.iter_mut().for_each(|instance| instance.paused = false);
        }
        for _ in 0..KEEP + 3 {
            self.pass();
            self.read_everything();
        }
    }

    fn read_everything(&mut self) {
        for service in self.services.0.iter_mut() {
            for instance in 0..2 {
                service.read(instance, usize::MAX, &mut self.shared);
                service.commit(instance, &mut self.shared);
            }
        }
    }
}
