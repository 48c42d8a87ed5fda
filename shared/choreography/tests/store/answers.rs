//! Answers, under their idempotency keys.

use choreography::store::{Changes, IdempotencyKey, StoredAnswer};

use crate::fixture::{Instances, Questions as _, answer, begin, commit, is_row_conflict, old};

fn given(now_ms: i64, answers: Vec<StoredAnswer>) -> Changes {
    Changes { now_ms, answers, ..Changes::default() }
}

async fn found(stores: &Instances, keys: &[IdempotencyKey]) -> Vec<StoredAnswer> {
    let mut found = begin(&stores.second).await.answers(keys).await;
    found.sort_by(|one, other| one.key.key.cmp(&other.key.key));
    found
}

pub(crate) async fn an_answer_is_found_under_its_key(stores: Instances) {
    let answers = vec![answer("anna", "a"), answer("anna", "b"), answer("anna", "c")];
    commit(&stores.first, given(1, answers)).await.unwrap();
    let keys = ["c", "x", "a"].map(|key| answer("anna", key).key);
    assert_eq!(found(&stores, &keys).await, [answer("anna", "a"), answer("anna", "c")]);
    assert_eq!(found(&stores, &[]).await, []);
}

pub(crate) async fn another_caller_or_route_has_keys_of_its_own(stores: Instances) {
    commit(&stores.first, given(1, vec![answer("anna", "a")])).await.unwrap();
    let route = IdempotencyKey { route: "POST /payments".to_owned(), ..answer("anna", "a").key };
    assert_eq!(found(&stores, &[answer("bert", "a").key, route]).await, []);
    commit(&stores.first, given(1, vec![answer("bert", "a")])).await.unwrap();
    assert_eq!(found(&stores, &[answer("bert", "a").key]).await, [answer("bert", "a")]);
}

pub(crate) async fn a_key_that_was_taken_conflicts(stores: Instances) {
    commit(&stores.first, given(1, vec![answer("anna", "a")])).await.unwrap();
    let other = StoredAnswer { answer: "{}".to_owned(), ..answer("anna", "a") };
    assert!(is_row_conflict(commit(&stores.second, given(2, vec![answer("anna", "b"), other])).await));
    let keys = ["a", "b"].map(|key| answer("anna", key).key);
    assert_eq!(found(&stores, &keys).await, [answer("anna", "a")]);
}

pub(crate) async fn a_key_that_is_taken_twice_in_a_batch_conflicts(stores: Instances) {
    let twice = vec![answer("anna", "a"), answer("anna", "a")];
    assert!(is_row_conflict(commit(&stores.first, given(1, twice)).await));
    assert_eq!(found(&stores, &[answer("anna", "a").key]).await, []);
}

pub(crate) async fn answers_are_forgotten_when_they_are_old_and_no_more_than_the_limit(stores: Instances) {
    commit(&stores.first, given(2, vec![answer("anna", "b"), answer("anna", "c")])).await.unwrap();
    commit(&stores.first, given(1, vec![answer("anna", "a")])).await.unwrap();
    commit(&stores.first, given(3, vec![answer("anna", "d")])).await.unwrap();
    let keys = ["a", "b", "c", "d"].map(|key| answer("anna", key).key);
    assert!(stores.first.forget(&old(0, 3), 1).await.unwrap());
    assert_eq!(found(&stores, &keys).await, ["b", "c", "d"].map(|key| answer("anna", key)));
    assert!(!stores.first.forget(&old(0, 3), 10).await.unwrap());
    assert_eq!(found(&stores, &keys).await, [answer("anna", "d")]);
}
