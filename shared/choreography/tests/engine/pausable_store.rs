//! A store that a test can pause between two calls, as if the process were paused, or only before reading begins, or right
//! after the outbox was read to its end; that lets batches fail, or panics in one method.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use choreography::store::memory::MemoryStore;
use choreography::store::{
    Backlog, Checkpoint, DeadCompensation, EffectRow, Given, Head, LastRun, Listing, Old, OutboxRow, PublishingStore,
    ReadingState, ReadingStore, Renewal, Repair, SeriesId, SeriesRange, Store, StoreError, StoredRow, StoredRows,
    Subscription, Transaction, TrySlot,
};
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

#[derive(Clone)]
pub(crate) struct PausableStore {
    store: MemoryStore,
    paused: Arc<watch::Sender<bool>>,
    /// Whether `reading_state` waits.
    holds_reading: Arc<watch::Sender<bool>>,
    /// Whether `begin` fails.
    batches_fail: Arc<AtomicBool>,
    /// Whether `outbox` waits when it has read to the end, and how often it has.
    holds_at_end: Arc<watch::Sender<bool>>,
    ends: Arc<AtomicU32>,
    /// The method that panics.
    panics: Option<&'static str>,
    batches: Arc<AtomicU32>,
    /// What was tried by itself, in order.
    tried: Arc<Mutex<Vec<Uuid>>>,
    /// How long it takes to record what is tried.
    trying_takes: Duration,
}

impl PausableStore {
    pub(crate) fn over(store: MemoryStore) -> Self {
        Self {
            store,
            paused: Arc::default(),
            holds_reading: Arc::default(),
            batches_fail: Arc::default(),
            holds_at_end: Arc::default(),
            ends: Arc::default(),
            panics: None,
            batches: Arc::default(),
            tried: Arc::default(),
            trying_takes: Duration::ZERO,
        }
    }

    /// Returns a store that takes so long to record what is tried by itself.
    pub(crate) fn slow(store: MemoryStore, trying_takes: Duration) -> Self {
        Self { trying_takes, ..Self::over(store) }
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

    /// Lets whoever is about to read wait, or go on.
    pub(crate) fn hold_reading(&self, holds: bool) {
        self.holds_reading.send_replace(holds);
    }

    /// Lets batches fail, or succeed again; everything else works.
    pub(crate) fn fail_batches(&self, fail: bool) {
        self.batches_fail.store(fail, Ordering::Relaxed);
    }

    /// Lets whoever has read the outbox to its end wait, or go on.
    pub(crate) fn hold_at_end_of_outbox(&self, holds: bool) {
        self.holds_at_end.send_replace(holds);
    }

    /// Returns how often the outbox was read to its end.
    pub(crate) fn ends_of_outbox(&self) -> u32 {
        self.ends.load(Ordering::Relaxed)
    }

    /// Returns what was tried by itself, in order.
    pub(crate) fn tried(&self) -> Vec<Uuid> {
        self.tried.lock().unwrap().clone()
    }

    /// Returns how many transactions of batches were opened.
    pub(crate) fn batches(&self) -> u32 {
        self.batches.load(Ordering::Relaxed)
    }

    async fn running(&self) -> &MemoryStore {
        let _ = self.paused.subscribe().wait_for(|paused| !paused).await;
        &self.store
    }
}

#[async_trait]
impl Store for PausableStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        if self.batches_fail.load(Ordering::Relaxed) {
            return Err(StoreError::database("beginning a batch", "a test lets it fail"));
        }
        self.running().await.begin().await
    }
    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError> {
        self.running().await.forget(old, limit).await
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.running().await.next_due().await
    }
    async fn effects(&self, message: &str, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError> {
        assert!(self.panics != Some("effects"), "this store panics");
        self.running().await.effects(message, after, limit).await
    }
    async fn list(&self, listing: &Listing) -> Result<Vec<StoredRow>, StoreError> {
        self.running().await.list(listing).await
    }
    async fn dead_compensations(&self, limit: u32) -> Result<Vec<DeadCompensation>, StoreError> {
        self.running().await.dead_compensations(limit).await
    }
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.running().await.backlog().await
    }
    async fn queued(&self, limit: u32) -> Result<u64, StoreError> {
        self.running().await.queued(limit).await
    }
    async fn finish(&self) -> Result<(), StoreError> {
        self.running().await.finish().await
    }
}

#[async_trait]
impl ReadingStore for PausableStore {
    async fn head(&self) -> Result<Head, StoreError> {
        self.running().await.head().await
    }
    async fn claim(&self, mine: Option<i64>, now: Timestamp, until: Timestamp) -> Result<Option<Head>, StoreError> {
        self.running().await.claim(mine, now, until).await
    }
    async fn renew(&self, epoch: i64, renewal: &Renewal) -> Result<bool, StoreError> {
        self.running().await.renew(epoch, renewal).await
    }
    async fn release(&self, epoch: i64) -> Result<(), StoreError> {
        self.running().await.release(epoch).await
    }
    async fn begin_run(&self) -> Result<LastRun, StoreError> {
        self.running().await.begin_run().await
    }
    async fn try_alone(&self, slot: TrySlot, id: Option<Uuid>) -> Result<(), StoreError> {
        self.tried.lock().unwrap().extend(id);
        tokio::time::sleep(self.trying_takes).await;
        self.running().await.try_alone(slot, id).await
    }
    async fn effects_tried(&self) -> Result<(), StoreError> {
        self.running().await.effects_tried().await
    }
    async fn reading_state(&self) -> Result<ReadingState, StoreError> {
        let _ = self.holds_reading.subscribe().wait_for(|holds| !holds).await;
        self.running().await.reading_state().await
    }
    async fn begin_stream(&self, epoch: i64, created: &str, position: Checkpoint) -> Result<(), StoreError> {
        self.running().await.begin_stream(epoch, created, position).await
    }
    async fn go_back(&self, epoch: i64, to: Checkpoint) -> Result<(), StoreError> {
        self.running().await.go_back(epoch, to).await
    }
    async fn verified(&self, epoch: i64, deleted: u64) -> Result<(), StoreError> {
        self.running().await.verified(epoch, deleted).await
    }
    async fn halt(&self, epoch: i64, reason: &str) -> Result<(), StoreError> {
        self.running().await.halt(epoch, reason).await
    }
    async fn resume(&self, to: Checkpoint, stream_created: &str) -> Result<(), StoreError> {
        self.running().await.resume(to, stream_created).await
    }
    async fn take_up(
        &self,
        epoch: i64,
        subscription: &Subscription,
        received: &[SeriesRange],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.running().await.take_up(epoch, subscription, received, now).await
    }
    async fn report(&self, epoch: i64, lost: &[SeriesRange]) -> Result<(), StoreError> {
        self.running().await.report(epoch, lost).await
    }
    async fn accept_lost(&self) -> Result<u64, StoreError> {
        self.running().await.accept_lost().await
    }
    async fn forget_received(
        &self,
        epoch: i64,
        publisher: &str,
        noted: &[(Uuid, Arc<str>)],
        before: Timestamp,
    ) -> Result<Vec<SeriesId>, StoreError> {
        self.running().await.forget_received(epoch, publisher, noted, before).await
    }
}

#[async_trait]
impl PublishingStore for PausableStore {
    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        assert!(self.panics != Some("outbox"), "this store panics");
        let rows = self.running().await.outbox(from, limit).await?;
        if rows.is_empty() {
            self.ends.fetch_add(1, Ordering::Relaxed);
            let _ = self.holds_at_end.subscribe().wait_for(|holds| !holds).await;
        }
        Ok(rows)
    }
    async fn given(&self) -> Result<Vec<Given>, StoreError> {
        self.running().await.given().await
    }
    async fn floors(&self) -> Result<Vec<Checkpoint>, StoreError> {
        self.running().await.floors().await
    }
    async fn stored_rows(&self) -> Result<Vec<StoredRows>, StoreError> {
        self.running().await.stored_rows().await
    }
    async fn repair(&self, epoch: i64, repair: Repair) -> Result<i64, StoreError> {
        self.running().await.repair(epoch, repair).await
    }
    async fn keep_given(&self, outbox: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.running().await.keep_given(outbox, now).await
    }
    async fn forget_given(&self, epoch: i64, before: Timestamp) -> Result<u64, StoreError> {
        self.running().await.forget_given(epoch, before).await
    }
}
