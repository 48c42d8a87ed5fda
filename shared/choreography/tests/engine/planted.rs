//! Bugs that are planted in the engine: each is noticed by a test of this folder, which passes without it.

use choreography::testing::PlantedBug;

use crate::{
    cache, circuits, commands, dying, effect_outcomes, effects, holes, instances, long_outages, lost_messages,
    publishing, reading, receiving, republishing, scheduled, stream_put_back, waiting,
};

/// Returns a test that must fail with a planted bug.
fn test_of(bug: PlantedBug) -> fn() {
    match bug {
        PlantedBug::PositionNotChecked => {
            long_outages::a_running_service_notices_that_its_database_was_put_back_and_reads_from_there
        }
        PlantedBug::EpochNotChecked => instances::an_effect_that_runs_elsewhere_does_not_die_here,
        PlantedBug::EffectsNotChecked => {
            effect_outcomes::what_an_effect_publishes_is_published_once_though_the_answer_to_its_commit_is_lost
        }
        PlantedBug::NumbersNotChecked => receiving::a_message_published_twice_is_received_once_in_one_batch_and_in_two,
        PlantedBug::NumbersNotStored => {
            reading::a_number_that_its_publisher_noted_and_that_did_not_come_is_reported_until_that_is_accepted
        }
        PlantedBug::PublishedBeforeCommit => publishing::nothing_is_published_before_its_commit,
        PlantedBug::NumberGivenTwice => republishing::a_lost_tail_is_published_again_in_order,
        PlantedBug::StaleRowTrusted => cache::rows_of_another_instance_are_seen,
        PlantedBug::WaitsNotLookedUp => waiting::a_command_that_writes_the_row_lets_the_waiting_message_go_on,
        PlantedBug::WaitingForgotten => waiting::a_message_still_waits_after_a_restart,
        PlantedBug::OrderLostAcrossWait => waiting::waiting_messages_come_before_those_that_arrived_with_the_row,
        PlantedBug::WaitingNeverExpires => waiting::a_waiting_message_dies_at_its_expiry_and_not_before,
        PlantedBug::ExpiryIgnored | PlantedBug::DeadLetterOmitted | PlantedBug::FallbackOmitted => {
            dying::a_message_that_is_expired_on_arrival_dies
        }
        PlantedBug::FallbackPublishedTwice => dying::a_message_that_is_expired_on_arrival_dies,
        PlantedBug::TombstoneOmitted => dying::a_compensation_never_expires,
        PlantedBug::ScheduledPublishedTwice => scheduled::a_scheduled_message_is_published_at_its_time,
        PlantedBug::ReplyNotStored => commands::a_repeated_request_gets_its_reply_again_also_after_a_restart,
        PlantedBug::AcknowledgementTakenForGranted => {
            publishing::refused_messages_are_published_again_and_health_reports_the_refusal
        }
        PlantedBug::RepairSkipsLastRow | PlantedBug::PublishedRowsForgotten => {
            republishing::a_lost_tail_is_published_again_in_order
        }
        PlantedBug::HoleNotListed => republishing::a_hole_is_published_again_behind_the_rest,
        PlantedBug::AdoptionOmitted => {
            republishing::messages_that_a_put_back_database_does_not_know_are_not_published_again
        }
        PlantedBug::SettledTooEarly => holes::what_is_not_published_yet_is_not_reported_as_lost,
        PlantedBug::OpenCircuitIgnored => circuits::an_open_circuit_holds_its_message_in_order_while_others_pass,
        PlantedBug::CircuitNeverCloses => {
            circuits::a_circuit_opens_after_three_dirty_cycles_and_closes_after_two_clean_ones
        }
        PlantedBug::PositionNotVerified => {
            lost_messages::a_server_that_lost_its_last_messages_is_read_from_a_checkpoint
        }
        PlantedBug::CheckpointsNotLookedAt => lost_messages::messages_lost_in_a_long_outage_are_noticed,
        PlantedBug::HaltNotStored => {
            stream_put_back::a_copy_from_before_all_checkpoints_halts_until_an_operator_goes_on
        }
        PlantedBug::GapNotNoticed => reading::a_forgotten_pull_that_takes_messages_is_noticed,
        PlantedBug::LeadsWithoutLease => {
            instances::when_the_leader_is_paused_the_standby_takes_over_within_five_seconds
        }
        PlantedBug::QueuedEffectsForgotten => {
            effects::an_effect_survives_a_restart_with_its_tries_and_publishes_the_same_message
        }
        _ => panic!("no test is named that notices {bug:?}"),
    }
}

#[test]
fn every_planted_bug_is_noticed() {
    for bug in PlantedBug::ALL {
        let test = test_of(*bug);
        let _planted = bug.plant();
        assert!(std::panic::catch_unwind(test).is_err(), "{bug:?} is not noticed");
    }
}
