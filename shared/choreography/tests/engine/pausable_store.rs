//! A store that a test can pause between two calls, as if the process were paused, or that panics in one method.

use std::sync::Arc;

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
pub(crate) struct PausableStore {
    store: MemoryStore,
    paused: Arc<watch::Sender<bool>>,
    /// The method that panics.
    panics: Option<&'static str>,
}

impl PausableStore {
    pub(crate) fn over(store: MemoryStore) -> Self {
        Self { store, paused: Arc::default(), panics: None }
    }

    /// Returns a store of which one method, `effects` or `outbox`, panics.
    pub(crate) fn panicking(store: MemoryStore, method: &'static str) -> Self {
        Self { panics: Some(method), ..Self::over(store) }
    }

    pub(crate) fn pause(&self) {
        self.paused.send_replace(true);
    }

    pub(crate) fn resume(&self) {
        self.paused.send_replace(false);
    }

    async fn running(&self) -> &MemoryStore {
        let _ = self.paused.subscribe().wait_for(|paused| !paused).await;
        &self.store
    }
}

#[async_trait]
impl Store for PausableStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.running().await.begin().await
    }
    async fn head(&self) -> Result<Head, StoreError> {
        self.running().await.head().await
    }
    async fn claim(&self, mine: Option<i64>, now: Timestamp, until: Timestamp) -> Result<Option<Head>, StoreError> {
        self.running().await.claim(mine, now, until).await
    }
    async fn renew(
        &self,
        epoch: i64,
        until: Timestamp,
        restart_position: u64,
        forget_outbox: i64,
    ) -> Result<(), StoreError> {
        self.running().await.renew(epoch, until, restart_position, forget_outbox).await
    }
    async fn release(&self, epoch: i64) -> Result<(), StoreError> {
        self.running().await.release(epoch).await
    }
    async fn remember_stream(&self, epoch: i64, created: &str) -> Result<(), StoreError> {
        self.running().await.remember_stream(epoch, created).await
    }
    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        assert!(self.panics != Some("outbox"), "this store panics");
        self.running().await.outbox(from, limit).await
    }
    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError> {
        self.running().await.forget(old, limit).await
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.running().await.next_due().await
    }
    async fn effects(&self, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError> {
        assert!(self.panics != Some("effects"), "this store panics");
        self.running().await.effects(after, limit).await
    }
    async fn effect_failed(&self, number: i64, tries: u32, due: Timestamp) -> Result<(), StoreError> {
        self.running().await.effect_failed(number, tries, due).await
    }
    async fn list(&self, listing: &Listing) -> Result<Vec<StoredRow>, StoreError> {
        self.running().await.list(listing).await
    }
    async fn begin_run(&self) -> Result<LastRun, StoreError> {
        self.running().await.begin_run().await
    }
    async fn try_message(&self, id: Uuid) -> Result<(), StoreError> {
        self.running().await.try_message(id).await
    }
    async fn dead_compensations(&self, limit: u32) -> Result<Vec<DeadCompensation>, StoreError> {
        self.running().await.dead_compensations(limit).await
    }
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.running().await.backlog().await
    }
}
