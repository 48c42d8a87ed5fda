//! What concerns only the store in memory.

use std::sync::Arc;

use choreography::store::memory::MemoryStore;
use choreography::store::{Changes, Store, StoreError};

use crate::fixture::{commit, numbers, outgoing, to_publish};

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
