//! What every store must do, as claims; each claim is tried on each store.
//!
//! A claim gets two instances over the same data: two processes on one file, or two clones of the memory.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod commit;
mod effects;
mod fixture;
mod head;
mod inbox;
mod listing;
mod memory;
mod preconditions;
mod replies;
mod rows;
mod scheduled;
mod sqlite;
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
            an_answer_is_found_under_its_key
            another_caller_or_route_has_keys_of_its_own
            a_key_that_was_taken_conflicts
            a_key_that_is_taken_twice_in_a_batch_conflicts
            answers_are_forgotten_when_they_are_old_and_no_more_than_the_limit
        }
        preconditions {
            what_is_as_assumed_is_written
            another_head_than_assumed_refuses_a_batch
            a_row_that_is_not_as_assumed_refuses_a_batch
            a_message_that_was_heard_refuses_a_batch_that_assumed_it_was_not
            an_answer_that_was_given_refuses_a_batch_that_assumed_it_was_not
        }
        commit {
            a_commit_moves_the_position_and_the_safe_one
            a_commit_at_another_epoch_writes_nothing
            a_commit_from_another_position_writes_nothing
            a_batch_without_messages_is_committed_at_any_epoch
            a_commit_gives_the_number_of_its_first_outbox_row
            outbox_numbers_have_no_gaps_even_after_a_failed_commit
            a_row_conflict_writes_nothing_of_anything
            a_dropped_transaction_lets_the_next_one_begin
            transactions_of_two_instances_never_overlap
            who_only_reads_does_not_wait_for_a_transaction
            a_batch_of_thousands_is_committed
            envelopes_come_back_as_they_were
        }
        effects {
            effects_come_in_the_order_of_their_commits
            a_commit_gives_the_numbers_of_its_effects
            effects_are_paged_by_their_numbers
            a_failed_effect_keeps_its_place
            an_effect_that_is_over_is_gone
            numbers_of_effects_are_never_given_twice
        }
        head {
            a_new_database_has_read_nothing
            a_claim_raises_the_epoch_and_goes_back_to_the_safe_position
            a_held_lease_stops_another_instance
            a_lease_that_ran_out_is_taken_over
            a_run_that_did_not_end_well_is_known_by_where_it_began
            the_deaths_of_the_message_that_was_tried_are_counted
            an_instance_is_not_stopped_by_its_own_lease
            an_epoch_that_is_over_does_not_open_another_lease
            a_released_lease_is_free_at_once
            an_old_epoch_releases_nothing
            renewing_prolongs_the_lease_and_moves_the_safe_position_on
            renewing_never_moves_the_safe_position_back
            renewing_forgets_the_outbox_up_to_the_number
            renewing_at_an_old_epoch_changes_nothing
            the_stream_is_remembered
            nothing_is_remembered_at_an_old_epoch
        }
        inbox {
            what_was_heard_is_known
            what_died_was_heard
            a_message_may_be_heard_twice
            the_inbox_is_forgotten_when_it_is_old
            no_more_is_forgotten_than_the_limit
            what_was_heard_again_is_forgotten_later
            the_dead_are_remembered_longer_than_the_living
            undos_that_died_are_known_until_they_are_repaired
        }
        scheduled {
            what_is_due_comes_in_the_order_of_its_moments
            what_is_due_at_the_same_moment_comes_in_the_order_of_its_decisions
            no_more_is_due_than_the_limit
            a_later_one_replaces_it
            what_was_taken_back_is_not_due
            of_one_batch_the_last_decision_counts
            the_next_due_moment_is_the_earliest_of_later_and_waiting
        }
        listing {
            rows_are_listed_by_key
            rows_are_listed_backwards
            a_page_goes_on_after_a_key
            only_rows_of_which_all_conditions_hold_are_listed
            a_key_is_a_condition_too
            values_are_never_taken_for_sql
        }
        rows {
            rows_come_back_as_they_were_written
            only_rows_that_exist_come_back
            versions_count_the_writes
            tables_are_apart
            a_row_that_was_changed_meanwhile_conflicts
            a_new_row_that_exists_meanwhile_conflicts
            a_changed_row_that_is_gone_meanwhile_conflicts
            a_deleted_row_is_gone_and_begins_anew
            a_delete_of_a_row_that_was_changed_meanwhile_conflicts
            a_delete_of_no_row_changes_nothing
        }
        waiting {
            what_waits_for_a_row_is_found_oldest_first
            what_waits_for_another_row_is_not_found
            whether_anything_waits_at_all_is_known
            what_waited_is_gone
            what_waited_may_wait_for_another_row_in_the_same_batch
            what_has_expired_comes_in_the_order_of_its_expiry
            what_never_expires_does_not_expire
            the_backlog_counts_what_is_on_its_way
        }
    }
}
