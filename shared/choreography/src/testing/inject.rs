//! Lets something go wrong in a harness.

use std::time::Duration;

use jiff::SignedDuration;

use super::effect_troubles::EffectTrouble;
use super::harness::Harness;
use super::trouble::Trouble;
use crate::bus::Stream;
use crate::recovery::{GoOn, Recovery};

impl Harness {
    /// Lets something go wrong from now on.
    ///
    /// # Panics
    /// When it names a service that is not part of the application.
    pub fn inject(&self, trouble: Trouble) {
        let faults = self.bus.faults();
        match trouble {
            Trouble::ServerDown => faults.set_down(true),
            Trouble::ServerUp => faults.set_down(false),
            Trouble::ServerRestarts => faults.restart(),
            Trouble::ServerLoses(count) => faults.forget_after(self.bus.last().saturating_sub(count)),
            Trouble::ServerLosesBlock { behind, count } => {
                let last = self.bus.last().saturating_sub(behind);
                faults.lose(Stream::Events, (last + 1).saturating_sub(count)..=last);
            }
            Trouble::ServerCopied => self.copies.borrow_mut().server = Some(faults.copy()),
            Trouble::ServerPutBack => {
                match &self.copies.borrow().server {
                    Some(copy) => faults.put_back(copy),
                    None => faults.restart(),
                }
                // Whoever puts a copy back runs the provisioning step: instances may have been added since.
                self.services.values().for_each(|member| member.provision_missing(&self.bus));
            }
            Trouble::ServerSlow(latency) => faults.set_latency(latency),
            Trouble::ConnectionsLost => faults.cut(),
            Trouble::FirstMessagesRemoved(before) => faults.forget_before(before),
            Trouble::StreamRecreated => {
                faults.recreate_stream();
                self.services.values().for_each(|member| member.provision(&self.bus));
            }
            Trouble::StreamAccepted(service) => {
                let recovery = Recovery { store: &self.member(service).store, bus: &self.bus };
                self.block_on(recovery.resume(GoOn::First)).expect("the server can be reached, and the database works");
            }
            Trouble::AcknowledgementsLost(count) => faults.drop_acknowledgements(count),
            Trouble::PublishesRefused => faults.refuse(Some("insufficient resources")),
            Trouble::PublishesAccepted => faults.refuse(None),
            Trouble::PullsSilent => faults.set_silent(true),
            Trouble::PullsAnswered => faults.set_silent(false),
            Trouble::DeliveredTwice(service) => {
                self.member(service).consumers().for_each(|consumer| faults.duplicate_next(&consumer));
            }
            Trouble::DeliveriesStolen(service, count) => {
                self.member(service).consumers().for_each(|consumer| faults.steal(&consumer, count));
            }
            other => self.inject_into_service(other),
        }
    }

    /// Lets something go wrong in one service.
    fn inject_into_service(&self, trouble: Trouble) {
        let faults = |service| self.member(service).store.faults();
        match trouble {
            Trouble::CommitsFail(service, count) => faults(service).fail_next_commits(count),
            Trouble::CommitsConflict(service, count) => faults(service).conflict_next_commits(count),
            Trouble::CommitsUnanswered(service, count) => faults(service).leave_next_commits_unanswered(count),
            Trouble::DiskFull(service) => faults(service).set_full(true),
            Trouble::DiskFree(service) => faults(service).set_full(false),
            Trouble::DatabaseCopied(service) => {
                self.copies.borrow_mut().databases.insert(service, self.member(service).store.copy());
            }
            Trouble::DatabasePutBack(service) => {
                if let Some(copy) = self.copies.borrow().databases.get(service) {
                    self.member(service).store.put_back(copy);
                }
            }
            Trouble::KilledAfter(service, steps) => self.member(service).kill_after(steps),
            Trouble::Paused(service) => self.member(service).pause(),
            Trouble::GoesOn(service) => self.member(service).go_on(),
            Trouble::ClockWrong { service, by_ms, gains_us } => {
                let (error, a_second) = (SignedDuration::from_millis(by_ms), SignedDuration::from_micros(gains_us));
                self.member(service).set_clock(self.since_start(), error, a_second);
            }
            Trouble::ClocksRight(service) => self.member(service).set_clocks_right(),
            Trouble::Effects(service, trouble) => self.member(service).effect_troubles().set(trouble),
            other => unreachable!("{other:?} concerns the message server"),
        }
    }

    /// Ends everything that lasts.
    pub(super) fn end_troubles(&self) {
        let lasting = [
            Trouble::ServerUp,
            Trouble::ServerSlow(Duration::ZERO),
            Trouble::PublishesAccepted,
            Trouble::PullsAnswered,
            Trouble::AcknowledgementsLost(0),
        ];
        lasting.into_iter().for_each(|end| self.inject(end));
        for service in self.names() {
            let lasting = [
                Trouble::CommitsFail(service, 0),
                Trouble::CommitsConflict(service, 0),
                Trouble::CommitsUnanswered(service, 0),
                Trouble::DiskFree(service),
                Trouble::GoesOn(service),
                Trouble::ClocksRight(service),
                Trouble::Effects(service, EffectTrouble::None),
            ];
            lasting.into_iter().for_each(|end| self.inject(end));
        }
    }
}
