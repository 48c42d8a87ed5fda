//! What the leader stores about the stream: the position, the checkpoints, and whether reading is halted.

use std::sync::Arc;

use choreography::store::{Changes, Checkpoint, Renewal, Store, StoreError};

use crate::fixture::{Instances, advance, at, commit, leading, place, renewal};

/// Adds checkpoints and floors at these sequences, which are seconds, too.
async fn note(store: &Arc<dyn Store>, epoch: i64, sequences: impl IntoIterator<Item = u64>, stream_first: u64) {
    for sequence in sequences {
        let point = Some(place(sequence));
        let renewal = Renewal { checkpoint: point, floor: point, stream_first, ..Renewal::of_lease(at(9_000)) };
        store.renew(epoch, &renewal).await.unwrap();
    }
}

async fn checkpoints(store: &Arc<dyn Store>) -> Vec<u64> {
    let sequences = |points: Vec<Checkpoint>| points.iter().map(|point| point.sequence).collect::<Vec<_>>();
    let found = sequences(store.reading_state().await.unwrap().checkpoints);
    let floors = sequences(store.floors().await.unwrap());
    // The tests below note both alike; what deletes only one of them looks at each.
    if floors != found {
        return [found, vec![u64::MAX], floors].concat();
    }
    found
}

pub(crate) async fn the_position_is_stored_with_its_stamp(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    assert_eq!(head.position, place(50));
    stores.first.verified(head.epoch, 3).await.unwrap();
    let changes = Changes { advance: Some(advance(head.epoch, 50, 60)), ..Changes::default() };
    commit(&stores.first, changes).await.unwrap();
    assert_eq!(stores.second.head().await.unwrap().position, Checkpoint { deleted: 3, ..place(60) });
}

pub(crate) async fn checkpoints_are_kept_each_second_for_a_minute_and_each_minute_before(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    note(&stores.first, epoch, 120..=400, 1).await;
    let expected: Vec<u64> = (340..=400).rev().chain([300, 240, 180, 120]).collect();
    assert_eq!(checkpoints(&stores.second).await, expected);
    assert_eq!(stores.second.floors().await.unwrap()[0], place(400));
    // The same place again changes nothing.
    note(&stores.first, epoch, [400], 1).await;
    assert_eq!(checkpoints(&stores.second).await, expected);
}

pub(crate) async fn checkpoints_after_a_pause_are_thinned_too(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    note(&stores.first, epoch, [60, 61, 62, 10_000, 10_001, 20_000], 1).await;
    assert_eq!(checkpoints(&stores.second).await, [20_000, 10_000, 60]);
}

pub(crate) async fn of_the_checkpoints_before_the_streams_first_message_the_newest_is_kept(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    note(&stores.first, epoch, [60, 120, 180, 240], 1).await;
    note(&stores.first, epoch, [300], 180).await;
    assert_eq!(checkpoints(&stores.second).await, [300, 240, 180, 120]);
    note(&stores.first, epoch, [300], 181).await;
    assert_eq!(checkpoints(&stores.second).await, [300, 240, 180]);
}

pub(crate) async fn going_back_deletes_the_checkpoints_after_the_new_position(stores: Instances) {
    let head = leading(&stores.first, 300).await;
    note(&stores.first, head.epoch, [60, 120, 180, 240], 1).await;
    let to = Checkpoint { deleted: 7, ..place(120) };
    let other_epoch = stores.first.go_back(head.epoch - 1, to).await;
    assert!(matches!(other_epoch, Err(StoreError::HeadConflict { .. })), "{other_epoch:?}");
    assert_eq!(stores.second.head().await.unwrap().position, place(300));
    stores.first.go_back(head.epoch, to).await.unwrap();
    assert_eq!(stores.second.head().await.unwrap().position, to);
    let left: Vec<_> = stores.second.reading_state().await.unwrap().checkpoints;
    assert_eq!(left, [place(120), place(60)]);
    assert_eq!(stores.second.floors().await.unwrap().len(), 4);
    // What was read before is refused now.
    let changes = Changes { advance: Some(advance(head.epoch, 300, 310)), ..Changes::default() };
    assert!(matches!(commit(&stores.first, changes).await, Err(StoreError::HeadConflict { .. })));
}

pub(crate) async fn another_stream_has_one_checkpoint_and_no_floors(stores: Instances) {
    let head = leading(&stores.first, 300).await;
    stores.first.begin_stream(head.epoch, "monday", place(300)).await.unwrap();
    note(&stores.first, head.epoch, [60, 120], 1).await;
    stores.first.begin_stream(head.epoch, "monday", place(100)).await.unwrap();
    assert_eq!(stores.second.reading_state().await.unwrap().checkpoints, [place(100), place(60)]);
    assert_eq!(stores.second.floors().await.unwrap().len(), 2);
    stores.first.begin_stream(head.epoch, "tuesday", place(100)).await.unwrap();
    assert_eq!(checkpoints(&stores.second).await, [100, u64::MAX]);
    let now = stores.second.head().await.unwrap();
    assert_eq!((now.stream_created.as_str(), now.position), ("tuesday", place(100)));
}

pub(crate) async fn a_halt_lasts_until_an_operator_goes_on(stores: Instances) {
    let head = leading(&stores.first, 300).await;
    stores.first.begin_stream(head.epoch, "monday", place(300)).await.unwrap();
    note(&stores.first, head.epoch, [60, 120], 1).await;
    stores.first.halt(head.epoch - 1, "no").await.unwrap_err();
    stores.first.halt(head.epoch, "the stream is gone").await.unwrap();
    stores.first.release(head.epoch).await.unwrap();
    let halted = stores.second.claim(None, at(10), at(20)).await.unwrap().unwrap();
    assert_eq!(halted.halted.as_deref(), Some("the stream is gone"));
    let to = Checkpoint { deleted: 4, ..place(100) };
    stores.first.resume(to, "monday").await.unwrap();
    let state = stores.second.reading_state().await.unwrap();
    assert_eq!((state.head.halted, state.head.position, state.checkpoints), (None, to, vec![to, place(60)]));
    // The running leader has to start over, and can at once.
    let renewed = stores.second.renew(halted.epoch, &renewal(30, 0)).await;
    assert!(matches!(renewed, Err(StoreError::HeadConflict { .. })), "{renewed:?}");
    assert!(stores.second.claim(None, at(11), at(21)).await.unwrap().is_some());
}

pub(crate) async fn a_lease_further_ahead_than_a_lease_can_be_is_ignored(stores: Instances) {
    // A clock that is a year ahead.
    stores.first.claim(None, at(31_536_000_000), at(31_536_004_000)).await.unwrap().unwrap();
    let head = stores.second.claim(None, at(1_000), at(5_000)).await.unwrap().unwrap();
    assert_eq!((head.epoch, head.lease_until_ms), (2, 5_000));
    // One that is a little ahead is no reason.
    assert_eq!(stores.first.claim(None, at(0), at(4_000)).await.unwrap(), None);
}
