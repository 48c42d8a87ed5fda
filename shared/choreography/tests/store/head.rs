//! Who is in charge of reading, and how far it got.

use std::sync::Arc;

use choreography::store::{Advance, Changes, Head, Store, StoreError};

use crate::fixture::{Instances, Questions as _, at, commit, envelopes, id, leading, numbers, outgoing};

pub(crate) async fn a_new_database_has_read_nothing(stores: Instances) {
    let head = stores.first.head().await.unwrap();
    assert_eq!(head, Head { outbox_next: 1, ..Head::default() });
    assert_eq!(stores.first.begin().await.unwrap().head().await, head);
}

pub(crate) async fn a_claim_raises_the_epoch_and_goes_back_to_the_safe_position(stores: Instances) {
    let before = leading(&stores.first, 50, 20).await;
    assert_eq!((before.epoch, before.position, before.safe), (1, 50, 20));
    let claimed = stores.first.claim(Some(1), at(10), at(2_000)).await.unwrap().unwrap();
    assert_eq!(claimed, Head { epoch: 2, position: 20, lease_until_ms: 2_000, ..before });
    assert_eq!(stores.second.head().await.unwrap(), claimed);
}

pub(crate) async fn a_held_lease_stops_another_instance(stores: Instances) {
    stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    assert_eq!(stores.second.claim(None, at(999), at(2_000)).await.unwrap(), None);
    assert_eq!(stores.first.head().await.unwrap().epoch, 1);
}

pub(crate) async fn a_lease_that_ran_out_is_taken_over(stores: Instances) {
    stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    let head = stores.second.claim(None, at(1_000), at(2_000)).await.unwrap().unwrap();
    assert_eq!((head.epoch, head.lease_until_ms), (2, 2_000));
}

pub(crate) async fn an_instance_is_not_stopped_by_its_own_lease(stores: Instances) {
    let head = stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    let again = stores.first.claim(Some(head.epoch), at(1), at(1_001)).await.unwrap().unwrap();
    assert_eq!(again.epoch, 2);
}

pub(crate) async fn an_epoch_that_is_over_does_not_open_another_lease(stores: Instances) {
    let head = stores.first.claim(None, at(0), at(1_000)).await.unwrap().unwrap();
    stores.second.claim(None, at(1_000), at(2_000)).await.unwrap().unwrap();
    assert_eq!(stores.first.claim(Some(head.epoch), at(1_001), at(2_001)).await.unwrap(), None);
}

pub(crate) async fn a_released_lease_is_free_at_once(stores: Instances) {
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

pub(crate) async fn renewing_prolongs_the_lease_and_moves_the_safe_position_on(stores: Instances) {
    let before = leading(&stores.first, 50, 20).await;
    stores.first.renew(before.epoch, at(3_000), 40, 0).await.unwrap();
    assert_eq!(stores.second.head().await.unwrap(), Head { lease_until_ms: 3_000, safe: 40, ..before });
}

pub(crate) async fn renewing_never_moves_the_safe_position_back(stores: Instances) {
    let before = leading(&stores.first, 50, 20).await;
    stores.first.renew(before.epoch, at(3_000), 10, 0).await.unwrap();
    assert_eq!(stores.first.head().await.unwrap().safe, 20);
}

pub(crate) async fn renewing_forgets_the_outbox_up_to_the_number(stores: Instances) {
    let epoch = leading(&stores.first, 50, 20).await.epoch;
    let outbox = envelopes(&["one", "two", "three"]);
    commit(&stores.first, Changes { outbox, ..Changes::default() }).await.unwrap();
    stores.first.renew(epoch, at(3_000), 20, 0).await.unwrap();
    assert_eq!(numbers(&outgoing(&stores.first).await), [1, 2, 3]);
    stores.first.renew(epoch, at(3_000), 20, 2).await.unwrap();
    assert_eq!(numbers(&outgoing(&stores.first).await), [3]);
    assert_eq!(stores.first.head().await.unwrap().outbox_next, 4);
}

pub(crate) async fn renewing_at_an_old_epoch_changes_nothing(stores: Instances) {
    leading(&stores.first, 50, 20).await;
    commit(&stores.first, Changes { outbox: envelopes(&["one"]), ..Changes::default() }).await.unwrap();
    let before = stores.second.claim(None, at(1_000), at(2_000)).await.unwrap().unwrap();
    let renewed = stores.first.renew(1, at(9_000), 40, 1).await;
    assert!(matches!(renewed, Err(StoreError::HeadConflict { epoch: 1, .. })), "{renewed:?}");
    assert_eq!(stores.first.head().await.unwrap(), before);
    assert_eq!(numbers(&outgoing(&stores.first).await), [1]);
}

pub(crate) async fn the_stream_is_remembered(stores: Instances) {
    let before = leading(&stores.first, 50, 20).await;
    stores.first.remember_stream(before.epoch, "2025-01-01").await.unwrap();
    let remembered = Head { stream_created: "2025-01-01".to_owned(), ..before };
    assert_eq!(stores.second.head().await.unwrap(), remembered);
}

pub(crate) async fn nothing_is_remembered_at_an_old_epoch(stores: Instances) {
    let before = leading(&stores.first, 50, 20).await;
    let stream = stores.first.remember_stream(before.epoch - 1, "2025-01-01").await;
    assert!(matches!(stream, Err(StoreError::HeadConflict { epoch: 0, .. })), "{stream:?}");
    assert_eq!(stores.first.head().await.unwrap(), before);
}

pub(crate) async fn a_run_that_did_not_end_well_is_known_by_where_it_began(stores: Instances) {
    let died_here = async |store: &Arc<dyn Store>| store.begin_run().await.unwrap().died_here;
    let head = leading(&stores.first, 5, 3).await;
    assert!(!died_here(&stores.first).await);
    // It dies; the next one begins at the same place.
    assert!(died_here(&stores.second).await);
    stores.second.release(head.epoch).await.unwrap();
    assert!(!died_here(&stores.first).await);
    // It gets on before it dies.
    let advance = Advance { epoch: head.epoch, from: 5, to: 6, safe: 3 };
    commit(&stores.first, Changes { advance: Some(advance), ..Changes::default() }).await.unwrap();
    assert!(!died_here(&stores.second).await);
}

pub(crate) async fn the_deaths_of_the_message_that_was_tried_are_counted(stores: Instances) {
    let suspect = async |store: &Arc<dyn Store>| store.begin_run().await.unwrap().suspect;
    let head = leading(&stores.first, 5, 3).await;
    assert_eq!(suspect(&stores.first).await, None);
    stores.first.try_message(id(1)).await.unwrap();
    assert_eq!(suspect(&stores.second).await, Some((id(1), 1)));
    assert_eq!(suspect(&stores.first).await, Some((id(1), 2)));
    stores.first.try_message(id(2)).await.unwrap();
    assert_eq!(suspect(&stores.second).await, Some((id(2), 1)));
    stores.second.release(head.epoch + 1).await.unwrap();
    assert_eq!(suspect(&stores.first).await, Some((id(2), 2)), "it was not in charge");
    stores.second.release(head.epoch).await.unwrap();
    assert_eq!(suspect(&stores.first).await, None);
}
