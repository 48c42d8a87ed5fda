//! The outbox in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::MemoryStore;
use super::data::Data;
use crate::store::{Checkpoint, Given, OutboxRow, PublishingStore, Repair, StoreError, StoredRows};
use crate::wire::envelope::Envelope;
use crate::wire::series::outgoing_id;

#[async_trait]
impl PublishingStore for MemoryStore {
    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        Ok(self.data().outbox.range(from..).take(limit as usize).map(|(_, row)| row.clone()).collect())
    }

    async fn given(&self) -> Result<Vec<Given>, StoreError> {
        let given = |((outbox, kind), (last, at_ms)): (&(Uuid, _), &_)| Given {
            outbox: *outbox,
            kind: Clone::clone(kind),
            last: *last,
            at_ms: *at_ms,
        };
        Ok(self.data().given.iter().map(given).collect())
    }

    async fn floors(&self) -> Result<Vec<Checkpoint>, StoreError> {
        Ok(self.data().floors.values().rev().copied().collect())
    }

    async fn stored_rows(&self) -> Result<Vec<StoredRows>, StoreError> {
        Ok(self.data().stored_rows.values().rev().copied().collect())
    }

    async fn repair(&self, epoch: i64, repair: Repair) -> Result<i64, StoreError> {
        self.shared.faults().next_commit()?;
        self.write(|data| data.repair(epoch, repair)).await
    }

    async fn keep_given(&self, outbox: Uuid, now: Timestamp) -> Result<(), StoreError> {
        let keep = |data: &mut Data| {
            let of_outbox = data.given.iter_mut().filter(|((kept, _), _)| *kept == outbox);
            of_outbox.for_each(|(_, (_, at_ms))| *at_ms = now.as_millisecond());
        };
        self.set(keep).await
    }

    async fn forget_given(&self, epoch: i64, before: Timestamp) -> Result<u64, StoreError> {
        let forgotten = self.write(|data| {
            data.head_of(epoch)?;
            let kept: BTreeSet<_> = data.outbox.values().map(|row| (row.name.outbox, row.name.kind.clone())).collect();
            let count = data.given.len();
            data.given.retain(|series, (_, at_ms)| *at_ms >= before.as_millisecond() || kept.contains(series));
            Ok((count - data.given.len()) as u64)
        });
        forgotten.await
    }
}

impl Data {
    fn repair(&mut self, epoch: i64, repair: Repair) -> Result<i64, StoreError> {
        self.head_of(epoch)?;
        self.floors.retain(|sequence, _| *sequence <= repair.floor);
        self.put_placeholders(repair.placeholders);
        let first = self.head.outbox_next;
        for (number, row) in (first..).zip(repair.adopt) {
            let (given, at_ms) = self.given.entry((row.name.outbox, row.name.kind.clone())).or_default();
            (*given, *at_ms) = (row.name.number.max(*given), repair.now_ms);
            let id = outgoing_id(&row.envelope);
            let was_scheduled = self.scheduled.remove_id(id);
            if repair.of_commands.contains(&id) && !was_scheduled {
                *self.lost_commands.entry(row.name.kind.clone()).or_default() += 1;
            }
            self.outbox.insert(number, row.numbered(number, true));
            self.adopted.insert(number);
            self.head.outbox_next = number + 1;
        }
        Ok(first)
    }

    pub(super) fn put_placeholders(&mut self, placeholders: Vec<(i64, Envelope)>) {
        for (number, envelope) in placeholders {
            if let Some(row) = self.outbox.get_mut(&number) {
                (row.envelope, row.placeholder) = (envelope, true);
            }
        }
    }

    /// Returns the adopted messages by their ids, without placeholders.
    pub(super) fn adopted_messages(&self) -> BTreeMap<Uuid, &Envelope> {
        let adopted = self.adopted.iter().filter_map(|number| self.outbox.get(number));
        let adopted = adopted.filter(|row| !row.placeholder);
        adopted.map(|row| (outgoing_id(&row.envelope), &row.envelope)).collect()
    }
}
