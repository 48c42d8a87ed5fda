//! The leadership, and the positions of the leader.

use std::sync::Arc;

use choreography::store::{Advance, Changes, Checkpoint, Head, Renewal, Store, StoreError, StoredRows, TrySlot};

use crate::fixture::{Instances, LoadOne as _, at, commit, id, leading, numbers, outgoing, place, renewal, to_publish};

pub(crate) async fn a_new_database_has_read_nothing(stores: Instances) {
    let head = stores.first.head().await.unwrap();
    assert_eq!(head, Head { outbox_next: 1, ..Head::default() });
    assert_eq!(stores.first.begin().await.unwrap().head().await, head);
}

pub(crate) async fn a_claim_raises_the_epoch_and_keeps_the_position(stores: Instances) {
    let before = leading(&stores.first, 50).await;
    assert_eq!((before.epoch, before.position.sequence), (1, 50));
    let claimed = stores.first.claim(Some(1), at(10), at(2_000)).await.unwrap().unwrap();
    assert_eq!(claimed, Head { epoch: 2, lease_until_ms: 2_000, ..before });
    assert_eq!(stores.second.head().await.unwrap(), claimed);
}

pub(crate) async fn a_held_lease_keeps_another_instance_out(stores: Instances) {
    stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    assert_eq!(stores.second.claim(None, at(999), at(2_000)).await.unwrap(), None);
    assert_eq!(stores.first.head().await.unwrap().epoch, 1);
}

pub(crate) async fn an_expired_lease_is_taken_over(stores: Instances) {
    stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    let head = stores.second.claim(None, at(1_000), at(2_000)).await.unwrap().unwrap();
    assert_eq!((head.epoch, head.lease_until_ms), (2, 2_000));
}

pub(crate) async fn an_instance_may_claim_again_under_its_own_lease(stores: Instances) {
    let head = stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    let again = stores.first.claim(Some(head.epoch), at(1), at(1_001)).await.unwrap().unwrap();
    assert_eq!(again.epoch, 2);
}

pub(crate) async fn an_old_epoch_does_not_take_the_lease_of_another_instance(stores: Instances) {
    let head = stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    stores.second.claim(None, at(1_000), at(2_000)).await.unwrap().unwrap();
    assert_eq!(stores.first.claim(Some(head.epoch), at(1_001), at(2_001)).await.unwrap(), None);
}

pub(crate) async fn a_released_lease_can_be_claimed_at_once(stores: Instances) {
    let head = stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    stores.first.release(head.epoch).await.unwrap();
    assert_eq!(stores.second.claim(None, at(1), at(1_001)).await.unwrap().map(|head| head.epoch), Some(2));
}

pub(crate) async fn an_old_epoch_releases_nothing(stores: Instances) {
    stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    stores.second.claim(None, at(1_000), at(2_000)).await.unwrap().unwrap();
    stores.first.release(1).await.unwrap();
    assert_eq!(stores.first.head().await.unwrap().lease_until_ms, 2_000);
}

pub(crate) async fn renewing_prolongs_the_lease(stores: Instances) {
    let before = leading(&stores.first, 50).await;
    stores.first.renew(before.epoch, &renewal(3_000, 0)).await.unwrap();
    assert_eq!(stores.second.head().await.unwrap(), Head { lease_until_ms: 3_000, ..before });
}

pub(crate) async fn renewing_deletes_the_outbox_up_to_the_number(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let outbox = to_publish(&["one", "two", "three"]);
    commit(&stores.first, Changes { outbox, ..Changes::default() }).await.unwrap();
    stores.first.renew(epoch, &renewal(3_000, 0)).await.unwrap();
    assert_eq!(numbers(&outgoing(&stores.first).await), [1, 2, 3]);
    stores.first.renew(epoch, &renewal(3_000, 2)).await.unwrap();
    assert_eq!(numbers(&outgoing(&stores.first).await), [3]);
    assert_eq!(stores.first.head().await.unwrap().outbox_next, 4);
}

pub(crate) async fn renewing_at_an_old_epoch_changes_nothing(stores: Instances) {
    leading(&stores.first, 50).await;
    commit(&stores.first, Changes { outbox: to_publish(&["one"]), ..Changes::default() }).await.unwrap();
    let before = stores.second.claim(None, at(1_000), at(2_000)).await.unwrap().unwrap();
    let renewed = stores.first.renew(1, &renewal(9_000, 1)).await;
    assert!(matches!(renewed, Err(StoreError::HeadConflict { epoch: 1, .. })), "{renewed:?}");
    assert_eq!(stores.first.head().await.unwrap(), before);
    assert_eq!(numbers(&outgoing(&stores.first).await), [1]);
}

pub(crate) async fn a_crashed_run_is_recognized_by_its_start_position(stores: Instances) {
    let died_here = async |store: &Arc<dyn Store>| store.begin_run().await.unwrap().died_here;
    let head = leading(&stores.first, 5).await;
    assert!(!died_here(&stores.first).await);
    // It crashes; the next run starts at the same position.
    assert!(died_here(&stores.second).await);
    stores.second.release(head.epoch).await.unwrap();
    assert!(!died_here(&stores.first).await);
    // It commits something before it crashes.
    let advance = Advance { epoch: head.epoch, from: 5, to: place(6) };
    commit(&stores.first, Changes { advance: Some(advance), ..Changes::default() }).await.unwrap();
    assert!(!died_here(&stores.second).await);
}

pub(crate) async fn crashes_of_the_message_processed_by_itself_are_counted(stores: Instances) {
    let suspects = async |store: &Arc<dyn Store>| {
        let mut suspects = store.begin_run().await.unwrap().suspects;
        suspects.sort();
        suspects
    };
    let (message, effect) = (TrySlot::Message, TrySlot::Effect);
    let head = leading(&stores.first, 5).await;
    assert_eq!(suspects(&stores.first).await, []);
    stores.first.try_alone(message, Some(id(1))).await.unwrap();
    stores.first.try_alone(effect, Some(id(9))).await.unwrap();
    assert_eq!(suspects(&stores.second).await, [(id(1), 1), (id(9), 1)]);
    assert_eq!(suspects(&stores.first).await, [(id(1), 1), (id(9), 1)], "nothing was tried");
    stores.first.try_alone(message, Some(id(2))).await.unwrap();
    stores.first.try_alone(message, Some(id(1))).await.unwrap();
    assert_eq!(suspects(&stores.second).await, [(id(1), 2), (id(9), 1)], "2 was done before");
    stores.second.try_alone(effect, Some(id(9))).await.unwrap();
    stores.second.effects_tried().await.unwrap();
    stores.second.release(head.epoch + 1).await.unwrap();
    assert_eq!(suspects(&stores.first).await, [(id(1), 2), (id(9), 1)], "it was not the leader");
    stores.second.release(head.epoch).await.unwrap();
    assert_eq!(suspects(&stores.first).await, []);
}

pub(crate) async fn a_run_knows_whether_the_one_before_it_had_tried_its_effects(stores: Instances) {
    let epoch = leading(&stores.first, 5).await.epoch;
    let tried = async |store: &Arc<dyn Store>| store.begin_run().await.unwrap().effects_tried;
    assert!(!tried(&stores.first).await);
    stores.first.effects_tried().await.unwrap();
    assert!(tried(&stores.second).await);
    assert!(!tried(&stores.first).await, "the second one crashed at once");
    stores.first.effects_tried().await.unwrap();
    stores.first.try_alone(TrySlot::Effect, Some(id(9))).await.unwrap();
    stores.first.release(epoch).await.unwrap();
    assert!(!stores.second.begin_run().await.unwrap().crashed);
}

pub(crate) async fn renewing_records_how_many_rows_are_published(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    for (published, expected) in [(Some(7), 7), (None, 7), (Some(9), 9)] {
        stores.first.renew(epoch, &Renewal { published, ..Renewal::of_lease(at(9)) }).await.unwrap();
        assert_eq!(stores.second.head().await.unwrap().outbox_published, expected);
    }
}

pub(crate) async fn renewing_records_which_rows_are_stored_and_where(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let stored = |through: i64, second: i64| {
        let place = |sequence: i64| Checkpoint {
            sequence: sequence.cast_unsigned(),
            stamp_ns: second * 1_000_000_000,
            deleted: 4,
        };
        StoredRows { through, events: place(through * 2), dead_letters: place(3), dead_letters_first: 2 }
    };
    let renew = async |stored_rows| {
        stores.first.renew(epoch, &Renewal { stored_rows, ..Renewal::of_lease(at(9)) }).await.unwrap();
        stores.second.stored_rows().await.unwrap()
    };
    assert_eq!(renew(None).await, []);
    let kept = Changes { outbox: to_publish(&["a", "b", "c"]), ..Changes::default() };
    commit(&stores.first, kept).await.unwrap();
    assert_eq!(renew(Some(stored(1, 10))).await, [stored(1, 10)]);
    assert_eq!(renew(None).await, [stored(1, 10)]);
    assert_eq!(renew(Some(stored(2, 20))).await, [stored(2, 20), stored(1, 10)]);
    let thinned = renew(Some(stored(3, 90))).await;
    assert_eq!(thinned, [stored(3, 90), stored(1, 10)], "one of the first minute is kept");
    let forget = Renewal { forget: vec![(1, 2)], forget_max: 9, ..Renewal::of_lease(at(9)) };
    stores.first.renew(epoch, &forget).await.unwrap();
    assert_eq!(renew(Some(stored(4, 91))).await, [stored(4, 91), stored(3, 90)], "rows 1 and 2 are not kept");
}

pub(crate) async fn a_database_that_was_put_back_is_not_renewed(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let row = Changes { outbox: to_publish(&["outgoing"]), ..Changes::default() };
    commit(&stores.first, row).await.unwrap();
    let before = stores.second.head().await.unwrap();
    for at_least in [(51, 1), (50, 2)] {
        let renewal = Renewal { at_least, published: Some(1), ..Renewal::of_lease(at(9)) };
        let renewed = stores.first.renew(epoch, &renewal).await;
        assert!(matches!(renewed, Err(StoreError::HeadConflict { .. })), "{renewed:?}");
        assert_eq!(stores.second.head().await.unwrap(), before);
    }
    let renewal = Renewal { at_least: (50, 1), ..Renewal::of_lease(at(9)) };
    stores.first.renew(epoch, &renewal).await.unwrap();
}
