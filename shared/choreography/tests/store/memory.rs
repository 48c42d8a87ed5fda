//! What concerns only the store in memory.

use std::sync::Arc;

use choreography::store::memory::MemoryStore;
use choreography::store::{Changes, Store, StoreError};

use crate::fixture::{commit, envelopes, in_outbox, new_outbox, numbers, outgoing, to_publish};

#[tokio::test]
async fn injected_faults_fail_commits_that_write_nothing() {
    let memory = MemoryStore::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    memory.faults().fail_next_commits(2);
    for _ in 0..2 {
        let failed = commit(&store, Changes { outbox: to_publish(&["lost"]), ..Changes::default() }).await;
        assert!(matches!(failed, Err(StoreError::Database { .. })), "{failed:?}");
    }
    assert_eq!(outgoing(&store).await, []);
    commit(&store, Changes { outbox: to_publish(&["one"]), ..Changes::default() }).await.unwrap();
    assert_eq!(numbers(&outgoing(&store).await), [1]);
}

#[tokio::test]
async fn a_database_put_back_to_a_copy_refuses_the_next_numbers() {
    let memory = MemoryStore::new();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let rows = in_outbox(new_outbox(), envelopes(&["a", "a", "a"]));
    let publish =
        async |row: usize| commit(&store, Changes { outbox: vec![rows[row].clone()], ..Changes::default() }).await;
    publish(0).await.unwrap();
    let copy = memory.copy();
    publish(1).await.unwrap();
    memory.put_back(&copy);
    let refused = publish(2).await;
    assert!(matches!(refused, Err(StoreError::PutBack(_))), "{refused:?}");
    assert_eq!(numbers(&outgoing(&store).await), [1]);
}
