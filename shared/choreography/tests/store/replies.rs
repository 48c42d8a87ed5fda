//! Stored replies, under their idempotency keys.

use choreography::store::{Changes, IdempotencyKey, StoredReply};

use crate::fixture::{Instances, LoadOne as _, begin, commit, is_row_conflict, old, reply};

fn with_replies(now_ms: i64, replies: Vec<StoredReply>) -> Changes {
    Changes { now_ms, replies, ..Changes::default() }
}

async fn found(stores: &Instances, keys: &[IdempotencyKey]) -> Vec<StoredReply> {
    let mut found = begin(&stores.second).await.replies(keys).await;
    found.sort_by(|one, other| one.key.key.cmp(&other.key.key));
    found
}

pub(crate) async fn a_stored_reply_is_found_under_its_key(stores: Instances) {
    let replies = vec![reply("anna", "a"), reply("anna", "b"), reply("anna", "c")];
    commit(&stores.first, with_replies(1, replies)).await.unwrap();
    let keys = ["c", "x", "a"].map(|key| reply("anna", key).key);
    assert_eq!(found(&stores, &keys).await, [reply("anna", "a"), reply("anna", "c")]);
    assert_eq!(found(&stores, &[]).await, []);
}

pub(crate) async fn keys_of_another_caller_or_route_are_separate(stores: Instances) {
    commit(&stores.first, with_replies(1, vec![reply("anna", "a")])).await.unwrap();
    let route = IdempotencyKey { route: "POST /payments".to_owned(), ..reply("anna", "a").key };
    assert_eq!(found(&stores, &[reply("bert", "a").key, route]).await, []);
    commit(&stores.first, with_replies(1, vec![reply("bert", "a")])).await.unwrap();
    assert_eq!(found(&stores, &[reply("bert", "a").key]).await, [reply("bert", "a")]);
}

pub(crate) async fn a_used_key_conflicts(stores: Instances) {
    commit(&stores.first, with_replies(1, vec![reply("anna", "a")])).await.unwrap();
    let other = StoredReply { reply: "{}".to_owned(), ..reply("anna", "a") };
    assert!(is_row_conflict(commit(&stores.second, with_replies(2, vec![reply("anna", "b"), other])).await));
    let keys = ["a", "b"].map(|key| reply("anna", key).key);
    assert_eq!(found(&stores, &keys).await, [reply("anna", "a")]);
}

pub(crate) async fn a_key_used_twice_in_a_batch_conflicts(stores: Instances) {
    let twice = vec![reply("anna", "a"), reply("anna", "a")];
    assert!(is_row_conflict(commit(&stores.first, with_replies(1, twice)).await));
    assert_eq!(found(&stores, &[reply("anna", "a").key]).await, []);
}

pub(crate) async fn old_replies_are_deleted_oldest_first_up_to_the_limit(stores: Instances) {
    commit(&stores.first, with_replies(2, vec![reply("anna", "b"), reply("anna", "c")])).await.unwrap();
    commit(&stores.first, with_replies(1, vec![reply("anna", "a")])).await.unwrap();
    commit(&stores.first, with_replies(3, vec![reply("anna", "d")])).await.unwrap();
    let keys = ["a", "b", "c", "d"].map(|key| reply("anna", key).key);
    assert!(stores.first.forget(&old(0, 3), 1).await.unwrap());
    assert_eq!(found(&stores, &keys).await, ["b", "c", "d"].map(|key| reply("anna", key)));
    assert!(!stores.first.forget(&old(0, 3), 10).await.unwrap());
    assert_eq!(found(&stores, &keys).await, [reply("anna", "d")]);
}
