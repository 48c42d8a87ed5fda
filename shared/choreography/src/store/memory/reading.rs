//! Leading and reading in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::MemoryStore;
use super::batch::apply_ranges;
use super::data::{CurrentRun, Data, Ranges};
use crate::store::numbers::{THINNED_TO_NS, is_thinned};
use crate::store::{
    Checkpoint, Head, LastRun, Range, RangeChanges, ReadingState, ReadingStore, Renewal, SeriesId, SeriesRange,
    StoreError, StoredRows, Subscription, TrySlot,
};

#[async_trait]
impl ReadingStore for MemoryStore {
    async fn head(&self) -> Result<Head, StoreError> {
        Ok(self.data().head())
    }

    async fn claim(
        &self,
        mine: Option<i64>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Head>, StoreError> {
        let (now_ms, until_ms) = (now.as_millisecond(), lease_until.as_millisecond());
        let credible = now_ms..=now_ms + 2 * (until_ms - now_ms);
        let claimed = self.set(|data| {
            let is_held = data.head.lease_until_ms > now_ms && credible.contains(&data.head.lease_until_ms);
            (mine == Some(data.head.epoch) || !is_held).then(|| {
                data.head.epoch += 1;
                data.head.lease_until_ms = until_ms;
                data.head()
            })
        });
        claimed.await
    }

    async fn renew(&self, epoch: i64, renewal: &Renewal) -> Result<bool, StoreError> {
        self.shared.faults().next_commit()?;
        self.write(|data| data.renew(epoch, renewal)).await
    }

    async fn release(&self, epoch: i64) -> Result<(), StoreError> {
        let released = self.write(|data| {
            data.head_of(epoch)?.lease_until_ms = 0;
            data.run = CurrentRun::default();
            Ok::<(), StoreError>(())
        });
        // An instance that does not lead has no lease to give up.
        released.await.or(Ok(()))
    }

    async fn begin_run(&self) -> Result<LastRun, StoreError> {
        let begun = self.set(|data| {
            let last = data.run.start_position.replace(data.head.position.sequence);
            for (deaths, slot) in data.run.suspects.values_mut() {
                *deaths += u32::from(slot.take().is_some());
            }
            let suspects = data.run.suspects.iter().map(|(id, (deaths, _))| (*id, *deaths));
            let suspects = suspects.filter(|(_, deaths)| *deaths > 0).collect();
            let effects_tried = std::mem::take(&mut data.run.effects_tried);
            LastRun { crashed: last.is_some(), died_here: last == data.run.start_position, effects_tried, suspects }
        });
        begun.await
    }

    async fn try_alone(&self, slot: TrySlot, id: Option<Uuid>) -> Result<(), StoreError> {
        self.set(|data| data.run.try_alone(slot, id)).await
    }

    async fn effects_tried(&self) -> Result<(), StoreError> {
        let recorded = self.set(|data| {
            data.run.try_alone(TrySlot::Effect, None);
            data.run.effects_tried = true;
        });
        recorded.await
    }

    async fn reading_state(&self) -> Result<ReadingState, StoreError> {
        let data = self.data();
        let subscription = |((publisher, kind), since): (&(Arc<str>, Arc<str>), &Uuid)| Subscription {
            publisher: publisher.clone(),
            kind: kind.clone(),
            since_outbox: *since,
        };
        Ok(ReadingState {
            head: data.head(),
            checkpoints: data.checkpoints.values().rev().copied().collect(),
            received: all(&data.received),
            subscriptions: data.subscriptions.iter().map(subscription).collect(),
            reported: all(&data.reported),
            lost_commands: data.lost_commands.clone().into_iter().collect(),
        })
    }

    async fn begin_stream(&self, epoch: i64, created: &str, position: Checkpoint) -> Result<(), StoreError> {
        let begun = self.write(|data| {
            data.head_of(epoch)?;
            data.take_stream(created, position);
            Ok(())
        });
        begun.await
    }

    async fn go_back(&self, epoch: i64, to: Checkpoint) -> Result<(), StoreError> {
        let gone = self.write(|data| {
            data.head_of(epoch)?.position = to;
            data.checkpoints.retain(|sequence, _| *sequence <= to.sequence);
            Ok(())
        });
        gone.await
    }

    async fn verified(&self, epoch: i64, deleted: u64) -> Result<(), StoreError> {
        self.write(|data| data.head_of(epoch).map(|head| head.position.deleted = deleted)).await
    }

    async fn halt(&self, epoch: i64, reason: &str) -> Result<(), StoreError> {
        self.write(|data| data.head_of(epoch).map(|head| head.halted = Some(reason.to_owned()))).await
    }

    async fn resume(&self, to: Checkpoint, stream_created: &str) -> Result<(), StoreError> {
        let resumed = self.set(|data| {
            data.take_stream(stream_created, to);
            (data.head.epoch, data.head.lease_until_ms, data.head.halted) = (data.head.epoch + 1, 0, None);
        });
        resumed.await
    }

    async fn take_up(
        &self,
        epoch: i64,
        subscription: &Subscription,
        received: &[SeriesRange],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let taken = self.write(|data| {
            data.head_of(epoch)?;
            let Subscription { publisher, kind, since_outbox } = subscription.clone();
            data.subscriptions.insert((publisher, kind), since_outbox);
            let put = RangeChanges { put: received.to_vec(), ..RangeChanges::default() };
            apply_ranges(&mut data.received, put, now.as_millisecond());
            Ok(())
        });
        taken.await
    }

    async fn report(&self, epoch: i64, lost: &[SeriesRange]) -> Result<(), StoreError> {
        let reported = self.write(|data| {
            data.head_of(epoch)?;
            apply_ranges(&mut data.reported, RangeChanges { put: lost.to_vec(), ..RangeChanges::default() }, 0);
            Ok(())
        });
        reported.await
    }

    async fn accept_lost(&self) -> Result<u64, StoreError> {
        let accepted = self.set(|data| {
            (data.head.epoch, data.head.lease_until_ms) = (data.head.epoch + 1, 0);
            let accepted = std::mem::take(&mut data.reported);
            data.received.extend(accepted.clone());
            let of_commands: u64 = std::mem::take(&mut data.lost_commands).values().sum();
            accepted.iter().map(|((_, first), (last, _))| last - first + 1).sum::<u64>() + of_commands
        });
        accepted.await
    }

    async fn forget_received(
        &self,
        epoch: i64,
        publisher: &str,
        noted: &[(Uuid, Arc<str>)],
        before: Timestamp,
    ) -> Result<Vec<SeriesId>, StoreError> {
        let forgotten = self.write(|data| {
            data.head_of(epoch)?;
            let mut newest: BTreeMap<SeriesId, i64> = BTreeMap::new();
            for ((series, _), (_, at_ms)) in &data.received {
                let newest = newest.entry(series.clone()).or_insert(*at_ms);
                *newest = (*newest).max(*at_ms);
            }
            newest.retain(|series, at_ms| {
                let is_noted = noted.iter().any(|(outbox, kind)| (outbox, kind) == (&series.outbox, &series.kind));
                &*series.publisher == publisher && *at_ms < before.as_millisecond() && !is_noted
            });
            data.received.retain(|(series, _), _| !newest.contains_key(series));
            Ok(newest.into_keys().collect())
        });
        forgotten.await
    }
}

impl Data {
    pub(super) fn head(&self) -> Head {
        Head { has_adopted: !self.adopted.is_empty(), ..self.head.clone() }
    }

    fn renew(&mut self, epoch: i64, renewal: &Renewal) -> Result<bool, StoreError> {
        let has = (self.head.position.sequence, self.head.outbox_next - 1);
        if has.0 < renewal.at_least.0 || has.1 < renewal.at_least.1 {
            return Err(self.not_at(epoch));
        }
        let head = self.head_of(epoch)?;
        head.lease_until_ms = renewal.lease_until.as_millisecond();
        head.outbox_published = renewal.published.unwrap_or(head.outbox_published);
        for (points, new) in [(&mut self.checkpoints, renewal.checkpoint), (&mut self.floors, renewal.floor)] {
            add_point(points, new, renewal.stream_first);
        }
        if let Some(stored) = renewal.stored_rows {
            self.add_stored_rows(stored);
        }
        let in_range = |(first, last): &(i64, i64)| self.outbox.range(*first..=*last).map(|(number, _)| *number);
        let old: Vec<i64> = renewal.forget.iter().flat_map(in_range).take(renewal.forget_max as usize).collect();
        for number in &old {
            self.outbox.remove(number);
            self.adopted.remove(number);
        }
        Ok(old.len() >= renewal.forget_max as usize)
    }

    /// Adds which rows the streams have, and thins what was noted before. What is about no row that is kept, or that comes
    /// behind one, is deleted.
    fn add_stored_rows(&mut self, new: StoredRows) {
        self.stored_rows.insert(new.through, new);
        thin(&mut self.stored_rows, |stored| stored.events, new.events);
        let first_kept = self.outbox.first_key_value().map_or(i64::MAX, |(number, _)| *number);
        self.stored_rows.retain(|through, _| *through >= first_kept.min(new.through));
    }

    /// Sets the stream and the position in it, which becomes a checkpoint. What was known of another stream, or is after the
    /// position, is deleted.
    fn take_stream(&mut self, created: &str, position: Checkpoint) {
        if self.head.stream_created != created {
            self.checkpoints.clear();
            self.floors.clear();
            self.stored_rows.clear();
        }
        self.checkpoints.retain(|sequence, _| *sequence < position.sequence);
        self.checkpoints.insert(position.sequence, position);
        self.head.position = position;
        created.clone_into(&mut self.head.stream_created);
    }
}

/// Adds a place, thins the others, and deletes those before the stream's first message but for the newest of them.
fn add_point(points: &mut BTreeMap<u64, Checkpoint>, new: Option<Checkpoint>, stream_first: u64) {
    if let Some(new) = new {
        points.insert(new.sequence, new);
        thin(points, |point| *point, new);
    }
    if let Some((newest, _)) = points.range(..stream_first).next_back() {
        let newest = *newest;
        points.retain(|sequence, _| *sequence >= newest);
    }
}

/// Deletes what is old, but for the first of each minute.
fn thin<K: Ord, V>(all: &mut BTreeMap<K, V>, place: impl Fn(&V) -> Checkpoint, newest: Checkpoint) {
    let mut minute = None;
    all.retain(|_, one| {
        let place = place(one);
        let before = minute.replace(place.stamp_ns / THINNED_TO_NS);
        !is_thinned(place, before, newest)
    });
}

fn all(ranges: &Ranges) -> Vec<SeriesRange> {
    let range = |((series, first), (last, _)): (&(SeriesId, u64), &(u64, i64))| SeriesRange {
        series: series.clone(),
        range: Range { first: *first, last: *last },
    };
    ranges.iter().map(range).collect()
}
