//! How a batch reads and writes: it reads from the cache while that may be used, else from the database.

use tokio::sync::mpsc;

use super::cache::{Cache, Written};
use super::numbering::{Numbering, last_numbers};
use crate::planted::{PlantedBug, planted};
use crate::store::{
    Changes, Committed, Loaded, NewOutboxRow, OutboxRow, Preconditions, StoreError, Transaction, Wanted,
};
use crate::wire::envelope::Envelope;
use crate::wire::series::outgoing_id;

/// Where a batch has read its rows so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowSource {
    /// The cache alone. The commit checks that it was current.
    Cache,
    /// The database, which agreed with the cache.
    DatabaseAsCached,
    /// The database, which differed from the cache.
    DatabaseChanged,
}

/// The transaction of a batch, with the cache beside it.
pub(crate) struct Session<'a> {
    transaction: Box<dyn Transaction>,
    cache: &'a mut Cache,
    numbering: &'a mut Numbering,
    /// The epoch under which this instance leads, if it does.
    pub(super) epoch: Option<i64>,
    /// Where the messages of a batch go once it is committed.
    committed: &'a mpsc::Sender<Vec<OutboxRow>>,
    preconditions: Option<Preconditions>,
    source: RowSource,
    /// The rows that no message waits for any more, but for those that the batch lets wait.
    woken: Vec<(&'static str, String)>,
    /// Whether the outbox has messages that were adopted from the stream.
    has_adopted: bool,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        transaction: Box<dyn Transaction>,
        cache: &'a mut Cache,
        numbering: &'a mut Numbering,
        epoch: Option<i64>,
        committed: &'a mpsc::Sender<Vec<OutboxRow>>,
    ) -> Self {
        Self {
            transaction,
            cache,
            numbering,
            epoch,
            committed,
            preconditions: None,
            source: RowSource::Cache,
            woken: Vec::new(),
            has_adopted: false,
        }
    }

    /// Loads what is wanted. Once a batch has read from the database, it does not use the cache again.
    pub(super) async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        if self.source == RowSource::Cache
            && let Some((loaded, preconditions)) = self.cache.lookup(wanted, self.epoch)
        {
            self.preconditions.get_or_insert_default().add(preconditions);
            self.has_adopted = loaded.head.has_adopted;
            return Ok(loaded);
        }
        let loaded = match self.cache.waited_for_to_load() {
            None => self.transaction.load(wanted).await?,
            limit => self.transaction.load(&Wanted { all_waited_for: limit, ..wanted.clone() }).await?,
        };
        // Those with waiting messages keep them until a function creates the row, which is rare: they are asked for again.
        let waits =
            |row: &&(&str, String)| loaded.waiting.iter().any(|waiting| waiting.table == row.0 && waiting.key == row.1);
        self.woken.extend(wanted.waited_for.iter().filter(|row| !waits(row)).cloned());
        self.has_adopted = loaded.head.has_adopted;
        let as_cached = self.cache.observe(wanted, &loaded) && self.source != RowSource::DatabaseChanged;
        self.source = if as_cached { RowSource::DatabaseAsCached } else { RowSource::DatabaseChanged };
        Ok(loaded)
    }

    /// Whether the stream may have messages already that the batch makes again, because the database was put back.
    pub(super) fn has_adopted(&self) -> bool {
        self.has_adopted
    }

    /// Whether nothing was read from the database.
    pub(super) fn used_cache_only(&self) -> bool {
        self.source == RowSource::Cache
    }

    /// Returns messages as outbox rows with their numbers, without those that the stream has already.
    pub(super) async fn number(&mut self, mut messages: Vec<Envelope>) -> Result<Vec<NewOutboxRow>, StoreError> {
        if self.has_adopted && !messages.is_empty() {
            let adopted = messages.iter().map(outgoing_id).collect();
            let adopted = self.load(&Wanted { adopted, ..Wanted::default() }).await?.adopted;
            messages.retain(|message| !adopted.contains_key(&outgoing_id(message)));
        }
        Ok(self.numbering.number(messages))
    }

    /// Writes everything, to the database and then to the cache.
    pub(super) async fn commit(self, changes: Changes) -> Result<Committed, StoreError> {
        if planted(PlantedBug::PublishedBeforeCommit) {
            let numbered = (self.cache.next_outbox_number()..).zip(changes.outbox.clone());
            let _ = self.committed.try_send(numbered.map(|(number, row)| row.numbered(number, false)).collect());
        }
        let (written, numbers) = (Written::of(&changes, self.woken), last_numbers(&changes.outbox));
        let committed = self.transaction.commit(Changes { preconditions: self.preconditions, ..changes }).await;
        self.numbering.committed(numbers, &committed);
        match &committed {
            Ok(_) => self.cache.wrote(written, self.source != RowSource::DatabaseChanged),
            Err(_) => self.cache.invalidate(),
        }
        committed
    }
}
