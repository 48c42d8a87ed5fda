//! Waiting for what the services answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use async_nats::{Client, Subscriber};
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::dead_letter::DeadLetter;
use super::stream_reader::{StartAt, StreamReader, last_sequence};
use crate::bus::jetstream::protocol;
use crate::wire::dead_letter::DEAD_LETTERS;
use crate::wire::repair::{RepairRecord, records_of};

/// How often the stream is looked into while waiting: what was said while the connection was away is not received.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Answers to what is asked from now on.
pub(super) struct RepairRecords<'a> {
    client: &'a Client,
    incoming: Subscriber,
    /// Records up to this place of the stream answer what was asked before.
    after: u64,
    /// The dead letters that were asked about, with the services that have to answer.
    awaited: BTreeMap<u64, String>,
    given: BTreeMap<u64, RepairRecord>,
}

impl<'a> RepairRecords<'a> {
    /// Begins to listen; to be called before anything is asked.
    pub(super) async fn listen(client: &'a Client) -> Result<Self> {
        let incoming = client.subscribe(records_of("*")).await.context("listening for answers")?;
        client.flush().await.context("listening for answers")?;
        let after = last_sequence(client, DEAD_LETTERS).await?;
        Ok(Self { client, incoming, after, awaited: BTreeMap::new(), given: BTreeMap::new() })
    }

    pub(super) fn expect(&mut self, dead_letter: &DeadLetter) {
        self.awaited.insert(dead_letter.sequence, dead_letter.service.clone());
    }

    /// Takes what has come, without waiting.
    pub(super) fn take_ready(&mut self) {
        while let Some(Some(message)) = self.incoming.next().now_or_never() {
            self.take(&message);
        }
    }

    /// Waits until there is an answer about each of these dead letters, or the time is over. `noted` receives how many there
    /// are.
    pub(super) async fn wait(
        &mut self,
        dead_letters: &BTreeSet<u64>,
        wait_max: Duration,
        noted: &mut (dyn FnMut(usize) + Send),
    ) -> Result<()> {
        self.awaited.retain(|dead_letter, _| dead_letters.contains(dead_letter));
        self.given.retain(|dead_letter, _| dead_letters.contains(dead_letter));
        let deadline = Instant::now() + wait_max;
        let mut look = Instant::now() + LOOKS_EVERY;
        while self.given.len() < self.awaited.len() {
            noted(self.given.len());
            match timeout_at(look.min(deadline), self.incoming.next()).await {
                Ok(Some(message)) => self.take(&message),
                Ok(None) | Err(_) => {
                    self.look().await?;
                    if Instant::now() >= deadline {
                        return Ok(());
                    }
                    look = Instant::now() + LOOKS_EVERY;
                }
            }
        }
        Ok(())
    }

    /// Looks into the stream.
    pub(super) async fn look(&mut self) -> Result<()> {
        let records = StreamReader::new(self.client, DEAD_LETTERS, records_of("*"), StartAt::Sequence(self.after + 1));
        records
            .each(|stored| {
                self.after = stored.sequence;
                self.note(RepairRecord::read(&stored.envelope));
                Ok(())
            })
            .await
    }

    pub(super) fn given(&self) -> &BTreeMap<u64, RepairRecord> {
        &self.given
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
            self.given.insert(record.dead_letter, record);
        }
    }
}
