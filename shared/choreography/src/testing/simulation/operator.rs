//! The people who run the application: what a supervisor and an operator do.

use super::losses::Losses;
use crate::recovery::GoOn;
use crate::testing::harness::Harness;

/// Starts services again, and does what the services' reports ask for.
#[derive(Default)]
pub(super) struct Operator {
    /// What was reported as lost, and accepted.
    pub(super) losses: Losses,
}

impl Operator {
    /// Starts services of which no instance runs, and lets halted ones go on. What is reported as lost is accepted once
    /// nothing is expected to come any more.
    pub(super) fn look(&mut self, harness: &mut Harness, accepts_losses: bool) {
        for service in harness.names() {
            if !harness.service(service).is_running() {
                harness.start_instance(service);
            }
            let Ok(report) = harness.block_on(harness.recovery(service).report()) else { continue };
            if report.halted.is_some() {
                let resumed = harness.block_on(harness.recovery(service).resume(GoOn::First));
                resumed.expect("the server can be reached, and the database works");
            }
            if accepts_losses && !(report.lost.is_empty() && report.lost_commands.is_empty()) {
                self.losses.add_keys(&report.lost, &harness.bus.removed());
                if !report.lost_commands.is_empty() {
                    self.losses.add_keys_of(harness.member(service).store.adopted().iter());
                }
                let accepted = harness.block_on(harness.recovery(service).accept_lost());
                self.losses.messages += accepted.expect("the database works");
            }
        }
    }
}
