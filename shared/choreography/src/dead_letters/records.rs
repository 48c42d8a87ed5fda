//! Waits for the records that services publish about repairs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use async_nats::{Client, Subscriber};
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::dead_letter::DeadLetter;
use super::error::DeadLettersError;
use crate::bus::jetstream::protocol;
use crate::bus::jetstream::stored_messages::{StreamReader, last_sequence};
use crate::bus::{BusError, ReadFrom};
use crate::wire::dead_letter::DEAD_LETTERS;
use crate::wire::repair::{RepairRecord, records_of};

/// How often the stream is read while waiting: a subscription misses what is published while the connection is lost.
const READ_EVERY: Duration = Duration::from_secs(1);

/// The records about repairs that are published from now on.
pub(super) struct RepairRecords<'a> {
    client: &'a Client,
    subscription: Subscriber,
    /// The stream sequence up to which records have been read, or belong to earlier repairs.
    read_up_to: u64,
    /// The dead letters whose records are awaited, each with the service that publishes it.
    awaited: BTreeMap<u64, String>,
    received: BTreeMap<u64, RepairRecord>,
}

impl<'a> RepairRecords<'a> {
    /// Subscribes; to be called before the first message is published.
    pub(super) async fn subscribe(client: &'a Client) -> Result<Self, DeadLettersError> {
        let lost = |error: &dyn Display| BusError::Lost(format!("subscribing to repair records: {error}"));
        let subscription = client.subscribe(records_of("*")).await.map_err(|error| lost(&error))?;
        client.flush().await.map_err(|error| lost(&error))?;
        let read_up_to = last_sequence(client, DEAD_LETTERS).await?;
        Ok(Self { client, subscription, read_up_to, awaited: BTreeMap::new(), received: BTreeMap::new() })
    }

    /// Adds a dead letter to those whose records are awaited.
    pub(super) fn expect(&mut self, dead_letter: &DeadLetter) {
        self.awaited.insert(dead_letter.sequence, dead_letter.service.clone());
    }

    /// Takes the records that have arrived, without waiting.
    pub(super) fn take_ready(&mut self) {
        while let Some(Some(message)) = self.subscription.next().now_or_never() {
            self.take(&message);
        }
    }

    /// Waits until there is a record about each of these dead letters, or the time is over. `on_progress` is called
    /// with the number of records.
    pub(super) async fn wait(
        &mut self,
        dead_letters: &BTreeSet<u64>,
        wait_max: Duration,
        on_progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<(), DeadLettersError> {
        self.awaited.retain(|dead_letter, _| dead_letters.contains(dead_letter));
        self.received.retain(|dead_letter, _| dead_letters.contains(dead_letter));
        let deadline = Instant::now() + wait_max;
        let mut next_read = Instant::now() + READ_EVERY;
        while self.received.len() < self.awaited.len() {
            on_progress(self.received.len());
            match timeout_at(next_read.min(deadline), self.subscription.next()).await {
                Ok(Some(message)) => self.take(&message),
                Ok(None) | Err(_) => {
                    self.read().await?;
                    if Instant::now() >= deadline {
                        return Ok(());
                    }
                    next_read = Instant::now() + READ_EVERY;
                }
            }
        }
        Ok(())
    }

    /// Reads the records that the stream has got since the last time.
    pub(super) async fn read(&mut self) -> Result<(), DeadLettersError> {
        let records =
            StreamReader::new(self.client, DEAD_LETTERS, records_of("*"), ReadFrom::Sequence(self.read_up_to + 1));
        records
            .each(|stored| {
                self.read_up_to = stored.sequence;
                self.note(RepairRecord::read(&stored.envelope));
                Ok::<_, DeadLettersError>(())
            })
            .await
    }

    /// Returns the records that have been received, by the sequence of their dead letter.
    pub(super) fn received(&self) -> &BTreeMap<u64, RepairRecord> {
        &self.received
    }

    fn take(&mut self, message: &async_nats::Message) {
        self.note(RepairRecord::read(&protocol::envelope(
            &message.subject,
            message.headers.as_ref(),
            &message.payload,
        )));
    }

    fn note(&mut self, record: Option<RepairRecord>) {
        let wanted = |record: &RepairRecord| self.awaited.get(&record.dead_letter) == Some(&record.service);
        if let Some(record) = record.filter(wanted) {
            self.received.insert(record.dead_letter, record);
        }
    }
}
