//! The numbers that were received, or reported lost, by ranges.

use std::sync::Arc;

use choreography::store::{Changes, Range, RangeChanges, SeriesId, SeriesRange, Store, Subscription};
use uuid::Uuid;

use crate::fixture::{Instances, at, commit, id, leading};

fn series(publisher: &str, outbox: u128, kind: &str) -> SeriesId {
    SeriesId { publisher: publisher.into(), outbox: id(outbox), kind: kind.into() }
}

fn range(series: &SeriesId, first: u64, last: u64) -> SeriesRange {
    SeriesRange { series: series.clone(), range: Range { first, last } }
}

fn put(ranges: &[SeriesRange]) -> RangeChanges {
    RangeChanges { put: ranges.to_vec(), ..RangeChanges::default() }
}

async fn receive(store: &Arc<dyn Store>, now_ms: i64, received: RangeChanges) {
    commit(store, Changes { now_ms, received, ..Changes::default() }).await.unwrap();
}

async fn received(store: &Arc<dyn Store>) -> Vec<SeriesRange> {
    store.reading_state().await.unwrap().received
}

pub(crate) async fn received_ranges_are_read_in_order(stores: Instances) {
    let series = [series("a", 1, "x"), series("a", 2, "x"), series("a", 2, "y"), series("b", 1, "x")];
    let ranges: Vec<_> = series.iter().flat_map(|series| [range(series, 0, 3), range(series, 5, 5)]).collect();
    receive(&stores.first, 1, put(&ranges.iter().rev().cloned().collect::<Vec<_>>())).await;
    assert_eq!(received(&stores.second).await, ranges);
}

pub(crate) async fn a_range_grows_and_merges_with_the_next(stores: Instances) {
    let series = series("a", 1, "x");
    receive(&stores.first, 1, put(&[range(&series, 1, 3), range(&series, 5, 6)])).await;
    receive(&stores.first, 2, put(&[range(&series, 5, 9)])).await;
    assert_eq!(received(&stores.second).await, [range(&series, 1, 3), range(&series, 5, 9)]);
    let merged =
        RangeChanges { put: vec![range(&series, 1, 9)], remove: vec![(series.clone(), 5), (series.clone(), 7)] };
    receive(&stores.first, 3, merged).await;
    assert_eq!(received(&stores.second).await, [range(&series, 1, 9)]);
}

pub(crate) async fn ranges_are_removed_before_others_are_put(stores: Instances) {
    let series = series("a", 1, "x");
    receive(&stores.first, 1, put(&[range(&series, 1, 3)])).await;
    let again = RangeChanges { put: vec![range(&series, 1, 9)], remove: vec![(series.clone(), 1)] };
    receive(&stores.first, 2, again).await;
    assert_eq!(received(&stores.second).await, [range(&series, 1, 9)]);
}

pub(crate) async fn a_batch_that_fails_receives_nothing(stores: Instances) {
    let series = series("a", 1, "x");
    receive(&stores.first, 1, put(&[range(&series, 1, 3)])).await;
    let received_more = RangeChanges { put: vec![range(&series, 7, 7)], remove: vec![(series.clone(), 1)] };
    let rows = vec![crate::fixture::row("1", 7, "{}")];
    let failed = commit(&stores.first, Changes { rows, received: received_more, ..Changes::default() }).await;
    failed.unwrap_err();
    assert_eq!(received(&stores.second).await, [range(&series, 1, 3)]);
}

pub(crate) async fn a_kind_is_taken_up_with_what_counts_as_received(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let subscription =
        |kind: &str, since| Subscription { publisher: "a".into(), kind: kind.into(), since_outbox: id(since) };
    let settled = range(&series("a", 1, "x"), 0, 7);
    stores.first.take_up(epoch, &subscription("y", 3), &[], at(1)).await.unwrap();
    stores.first.take_up(epoch, &subscription("x", 0), std::slice::from_ref(&settled), at(1)).await.unwrap();
    stores.first.take_up(epoch - 1, &subscription("z", 0), &[], at(1)).await.unwrap_err();
    let state = stores.second.reading_state().await.unwrap();
    assert_eq!(state.subscriptions, [subscription("x", 0), subscription("y", 3)]);
    assert_eq!(state.received, [settled]);
    assert_eq!(state.head, stores.second.head().await.unwrap());
}

pub(crate) async fn reported_numbers_stay_until_they_come_or_are_accepted(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let (one, other) = (series("a", 1, "x"), series("a", 1, "y"));
    let lost = [range(&one, 3, 9), range(&other, 1, 1)];
    stores.first.report(epoch, &lost).await.unwrap();
    stores.first.report(epoch, &lost).await.unwrap();
    let reported = async || stores.second.reading_state().await.unwrap().reported;
    assert_eq!(reported().await, lost);
    // Number 5 comes.
    let come = RangeChanges { put: vec![range(&one, 3, 4), range(&one, 6, 9)], remove: vec![(one.clone(), 3)] };
    commit(&stores.first, Changes { reported: come, ..Changes::default() }).await.unwrap();
    assert_eq!(reported().await, [range(&one, 3, 4), range(&one, 6, 9), range(&other, 1, 1)]);
    assert_eq!(stores.second.accept_lost().await.unwrap(), 7);
    assert_eq!(stores.second.accept_lost().await.unwrap(), 0);
    assert_eq!(received(&stores.first).await, [range(&one, 3, 4), range(&one, 6, 9), range(&other, 1, 1)]);
    assert!(stores.first.head().await.unwrap().epoch > epoch, "a running leader starts over");
    assert_eq!(reported().await, []);
}

pub(crate) async fn old_series_that_their_publisher_does_not_note_are_forgotten_whole(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let [noted, old, young, mixed] = [1, 2, 3, 4].map(|outbox| series("a", outbox, "x"));
    let foreign = series("b", 2, "x");
    let ranges = [&noted, &old, &young, &mixed, &foreign].map(|series| range(series, 1, 3));
    receive(&stores.first, 1, put(&ranges)).await;
    receive(&stores.first, 5, put(&[range(&young, 1, 4), range(&mixed, 9, 9)])).await;
    let notes: Vec<(Uuid, Arc<str>)> = vec![(noted.outbox, noted.kind.clone())];
    assert_eq!(stores.first.forget_received(epoch, "a", &notes, at(5)).await.unwrap(), [old]);
    let left: Vec<_> = received(&stores.second).await.into_iter().map(|range| range.series).collect();
    assert_eq!(left, [noted, young, mixed.clone(), mixed, foreign]);
    stores.first.forget_received(epoch - 1, "a", &[], at(5)).await.unwrap_err();
}
