//! What a simulation sees of a harness, and does to it, beside what tests do.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::harness::Harness;
use super::member::Member;
use super::release::Release;
use super::services::Services;
use crate::Row;
use crate::bus::Stored;
use crate::recovery::Recovery;

impl Harness {
    /// Returns the services as their callers reach them, also by the instances that start later.
    pub fn services(&self) -> Services {
        self.reached.clone()
    }

    /// Returns every row of the service that keeps such rows, sorted by their keys.
    ///
    /// # Panics
    /// When no service, or more than one, keeps such rows, or one is unreadable.
    pub fn all<S: Row>(&self) -> Vec<S> {
        let mut keeping = self.services.values().filter(|member| member.keeps(S::TABLE));
        let (Some(member), None) = (keeping.next(), keeping.next()) else {
            panic!("not one service keeps rows of {}", S::TABLE)
        };
        let rows = member.store.rows(S::TABLE).into_iter();
        let read: Result<_, _> = rows.map(|row| serde_json::from_str(&row.state)).collect();
        read.unwrap_or_else(|error| panic!("reading rows of {}: {error}", S::TABLE))
    }

    /// Sets of which release the instances of a service are that start from now on.
    pub(super) fn set_release(&mut self, service: &str, release: Release) {
        let member = self.services.get_mut(service);
        member.unwrap_or_else(|| panic!("{service} is not part of the application")).set_release(release);
    }

    /// Replaces all instances of earlier releases by those of the current ones.
    pub(super) fn update(&mut self) {
        for service in self.names() {
            self.set_release(service, Release::Current);
            let running = self.member(service).running().count();
            if self.member(service).has_outdated() {
                (0..running).for_each(|_| self.crash(service));
                (0..running).for_each(|_| self.start_instance(service));
            }
        }
    }

    /// Starts something that goes on while time passes.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn(future)
    }

    /// Lets time pass until a moment after the start, if it has not come yet.
    pub(super) fn advance_to(&self, since_start: Duration) {
        self.block_on(async { tokio::time::sleep_until(self.started + since_start).await });
    }

    /// Returns how much time has passed since the start.
    pub(super) fn since_start(&self) -> Duration {
        let _entered = self.runtime.enter();
        self.started.elapsed()
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.services.keys().copied().collect()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.services.values()
    }

    pub(super) fn recovery(&self, service: &str) -> Recovery<'_> {
        Recovery { store: &self.member(service).store, bus: &self.bus }
    }

    /// Returns the messages of both streams.
    pub(super) fn stored(&self) -> (Vec<Stored>, Vec<Stored>) {
        (self.bus.published(), self.bus.dead_letters())
    }

    /// Returns the sequence of the last message in the stream of events.
    pub(super) fn last(&self) -> u64 {
        self.bus.last()
    }

    /// Returns how many messages each stream has.
    pub(super) fn count_messages(&self) -> (usize, usize) {
        self.bus.count_messages()
    }
}
