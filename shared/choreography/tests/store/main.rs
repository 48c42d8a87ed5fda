//! What every store must do, as claims; each claim is tested on each store.
//!
//! A claim gets two instances over the same data: two stores opened on one file, or two clones of the one in memory.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod commit;
mod damaged;
mod dead;
mod effects;
mod fixture;
mod head;
mod leader_lock;
mod listing;
mod memory;
mod migrations;
mod numbers;
mod preconditions;
mod ranges;
mod repair;
mod replies;
mod rows;
mod scheduled;
mod sqlite;
mod stream;
mod waiting;

/// Each claim is a test on each store.
macro_rules! claims {
    ($($module:ident { $($claim:ident)* })*) => {
        $(mod $module {
            mod in_memory {
                $(#[tokio::test]
                async fn $claim() {
                    crate::$module::$claim(crate::fixture::Instances::in_memory()).await;
                })*
            }
            mod in_sqlite {
                $(#[tokio::test]
                async fn $claim() {
                    crate::$module::$claim(crate::fixture::Instances::in_sqlite().await).await;
                })*
            }
        })*
    };
}

mod claims {
    claims! {
        replies {
            a_stored_reply_is_found_under_its_key
            keys_of_another_caller_or_route_are_separate
            a_used_key_conflicts
            a_key_used_twice_in_a_batch_conflicts
            old_replies_are_deleted_oldest_first_up_to_the_limit
        }
        preconditions {
            a_batch_whose_preconditions_hold_is_written
            a_moved_head_refuses_a_batch
            a_row_of_another_version_refuses_a_batch
            a_stored_reply_refuses_a_batch_that_takes_its_key_for_unused
        }
        commit {
            a_commit_moves_the_position
            a_commit_at_another_epoch_writes_nothing
            a_commit_from_another_position_writes_nothing
            a_batch_without_deliveries_is_committed_at_any_epoch
            a_commit_returns_the_number_of_its_first_outbox_row
            outbox_numbers_have_no_gaps_even_after_a_failed_commit
            a_row_conflict_writes_nothing
            a_dropped_transaction_lets_the_next_one_begin
            transactions_of_two_instances_never_overlap
            reading_does_not_wait_for_a_transaction
            a_batch_of_thousands_is_committed
            envelopes_are_read_as_they_were_written
        }
        effects {
            effects_are_read_in_the_order_of_their_commits
            a_commit_returns_the_numbers_of_its_effects
            effects_are_paged_by_their_numbers
            a_failed_effect_keeps_its_number
            effects_of_one_message_are_read_without_those_of_others
            a_finished_effect_is_deleted
            a_commit_that_finishes_an_effect_which_is_not_queued_writes_nothing
            numbers_of_effects_are_never_reused
        }
        head {
            a_new_database_has_read_nothing
            a_claim_raises_the_epoch_and_keeps_the_position
            a_held_lease_keeps_another_instance_out
            an_expired_lease_is_taken_over
            a_crashed_run_is_recognized_by_its_start_position
            crashes_of_the_message_processed_by_itself_are_counted
            a_run_knows_whether_the_one_before_it_had_tried_its_effects
            an_instance_may_claim_again_under_its_own_lease
            an_old_epoch_does_not_take_the_lease_of_another_instance
            a_released_lease_can_be_claimed_at_once
            an_old_epoch_releases_nothing
            renewing_prolongs_the_lease
            renewing_deletes_the_outbox_up_to_the_number
            renewing_at_an_old_epoch_changes_nothing
            a_database_that_was_put_back_is_not_renewed
            renewing_records_how_many_rows_are_published
            renewing_records_which_rows_are_stored_and_where
        }
        dead {
            a_dead_message_is_found_with_its_tries
            the_last_death_of_a_message_counts
            old_dead_messages_are_deleted
            no_more_dead_messages_than_the_limit_are_deleted_at_once
            a_message_that_died_again_is_deleted_later
            dead_messages_are_found_until_they_are_repaired_or_old
            dead_compensations_are_listed_until_they_are_repaired
        }
        scheduled {
            due_messages_are_read_in_the_order_of_their_moments
            messages_due_at_the_same_moment_keep_the_order_of_their_scheduling
            no_more_due_messages_than_the_limit_are_read
            scheduling_again_replaces_the_scheduled_message
            a_cancelled_message_is_not_due
            the_last_change_in_a_batch_counts
            the_next_due_moment_is_the_earliest_of_scheduled_and_waiting
        }
        listing {
            rows_are_listed_by_key
            rows_are_listed_in_descending_order
            a_page_starts_behind_a_key
            only_rows_that_meet_all_conditions_are_listed
            the_key_can_be_a_condition
            rows_are_sorted_by_a_column_and_by_key_where_it_is_the_same
            a_page_of_rows_sorted_by_a_column_starts_behind_the_row_of_a_key
            only_rows_between_two_values_are_listed
            values_are_never_taken_for_sql
        }
        rows {
            rows_are_read_as_they_were_written
            only_existing_rows_are_read
            versions_count_the_writes
            tables_are_separate
            a_row_changed_by_another_instance_conflicts
            a_new_row_created_by_another_instance_conflicts
            a_changed_row_deleted_by_another_instance_conflicts
            a_deleted_row_may_be_created_again
            deleting_a_row_changed_by_another_instance_conflicts
            deleting_a_missing_row_changes_nothing
            a_row_that_a_constraint_forbids_is_a_violation_that_writes_nothing
        }
        waiting {
            messages_waiting_for_a_row_are_read_oldest_first
            messages_waiting_for_another_row_are_not_read
            loading_shows_whether_any_message_waits
            a_message_that_waits_no_longer_is_deleted
            a_message_may_wait_for_another_row_in_the_same_batch
            expired_messages_are_read_in_the_order_of_their_expiry
            messages_without_an_expiry_never_expire
            the_backlog_counts_outbox_waiting_scheduled_and_effects
            what_is_queued_is_counted_up_to_the_limit
            the_rows_that_messages_wait_for_are_listed_up_to_a_limit
            the_head_shows_that_messages_began_to_wait
        }
        numbers {
            rows_are_read_with_their_names
            a_commit_raises_the_highest_numbers_of_each_kind
            outboxes_of_two_processes_are_numbered_apart
            numbers_that_do_not_follow_the_stored_ones_show_an_older_database
            a_commit_that_fails_raises_no_number
            an_epoch_that_the_database_has_not_reached_shows_an_older_database
            refused_rows_become_placeholders_in_a_commit
            highest_numbers_are_forgotten_when_no_process_keeps_them_and_no_row_has_them
        }
        ranges {
            received_ranges_are_read_in_order
            a_range_grows_and_merges_with_the_next
            ranges_are_removed_before_others_are_put
            a_batch_that_fails_receives_nothing
            a_kind_is_taken_up_with_what_counts_as_received
            reported_numbers_stay_until_they_come_or_are_accepted
            old_series_that_their_publisher_does_not_note_are_forgotten_whole
        }
        stream {
            the_position_is_stored_with_its_stamp
            checkpoints_are_kept_each_second_for_a_minute_and_each_minute_before
            checkpoints_after_a_pause_are_thinned_too
            of_the_checkpoints_before_the_streams_first_message_the_newest_is_kept
            going_back_deletes_the_checkpoints_after_the_new_position
            another_stream_has_one_checkpoint_and_no_floors
            a_halt_lasts_until_an_operator_goes_on
            a_lease_further_ahead_than_a_lease_can_be_is_ignored
        }
        repair {
            unknown_messages_are_adopted_as_published_rows
            adopting_raises_the_highest_numbers_and_never_lowers_them
            an_adopted_placeholder_does_not_stand_for_its_message
            a_scheduled_message_that_is_adopted_is_not_published_again
            messages_of_commands_that_are_adopted_are_counted_until_that_is_accepted
            a_repair_makes_rows_placeholders_and_deletes_floors
            a_repair_at_another_epoch_writes_nothing
            rows_are_deleted_by_ranges_and_a_bounded_number_at_once
            adopted_rows_are_forgotten_like_others
        }
    }
}
