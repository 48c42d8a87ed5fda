//! A database over which an instance falls asleep, as a paused process does: between two of its steps.

use async_trait::async_trait;
use choreography::store::memory::MemoryStore;
use choreography::store::{
    Backlog, DeadCompensation, EffectRow, Head, LastRun, Listing, Old, OutboxRow, Store, StoreError, StoredRow,
    Transaction,
};
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

#[derive(Clone)]
pub(crate) struct Sleeper {
    store: MemoryStore,
    asleep: std::sync::Arc<watch::Sender<bool>>,
}

impl Sleeper {
    pub(crate) fn over(store: MemoryStore) -> Self {
        Self { store, asleep: std::sync::Arc::new(watch::Sender::new(false)) }
    }

    pub(crate) fn sleep(&self) {
        self.asleep.send_replace(true);
    }

    pub(crate) fn wake(&self) {
        self.asleep.send_replace(false);
    }

    async fn awake(&self) -> &MemoryStore {
        let _ = self.asleep.subscribe().wait_for(|asleep| !asleep).await;
        &self.store
    }
}

#[async_trait]
impl Store for Sleeper {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.awake().await.begin().await
    }
    async fn head(&self) -> Result<Head, StoreError> {
        self.awake().await.head().await
    }
    async fn claim(&self, mine: Option<i64>, now: Timestamp, until: Timestamp) -> Result<Option<Head>, StoreError> {
        self.awake().await.claim(mine, now, until).await
    }
    async fn renew(&self, epoch: i64, until: Timestamp, safe: u64, forget_outbox: i64) -> Result<(), StoreError> {
        self.awake().await.renew(epoch, until, safe, forget_outbox).await
    }
    async fn release(&self, epoch: i64) -> Result<(), StoreError> {
        self.awake().await.release(epoch).await
    }
    async fn remember_stream(&self, epoch: i64, created: &str) -> Result<(), StoreError> {
        self.awake().await.remember_stream(epoch, created).await
    }
    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        self.awake().await.outbox(from, limit).await
    }
    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError> {
        self.awake().await.forget(old, limit).await
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.awake().await.next_due().await
    }
    async fn effects(&self, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError> {
        self.awake().await.effects(after, limit).await
    }
    async fn effect_failed(&self, number: i64, tries: u32, due: Timestamp) -> Result<(), StoreError> {
        self.awake().await.effect_failed(number, tries, due).await
    }
    async fn list(&self, listing: &Listing) -> Result<Vec<StoredRow>, StoreError> {
        self.awake().await.list(listing).await
    }
    async fn begin_run(&self) -> Result<LastRun, StoreError> {
        self.awake().await.begin_run().await
    }
    async fn try_message(&self, id: Uuid) -> Result<(), StoreError> {
        self.awake().await.try_message(id).await
    }
    async fn dead_compensations(&self, limit: u32) -> Result<Vec<DeadCompensation>, StoreError> {
        self.awake().await.dead_compensations(limit).await
    }
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.awake().await.backlog().await
    }
}
