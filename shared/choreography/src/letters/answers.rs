//! Waiting for what the services answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use async_nats::{Client, Subscriber};
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::DEAD_LETTERS;
use super::answer::Answer;
use super::letter::Letter;
use super::stored::{Place, Reading, last_sequence};
use crate::bus::jetstream::wire;

/// The subjects of records.
const RECORDS: &str = "handled.*.*";

/// How often the stream is looked into while waiting: what was said while the connection was away is not heard.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Answers to what is asked from now on.
pub(super) struct Answers<'a> {
    client: &'a Client,
    heard: Subscriber,
    /// Records up to this place of the stream answer what was asked before.
    after: u64,
    /// The letters that were asked about, with the services that have to answer.
    awaited: BTreeMap<u64, String>,
    given: BTreeMap<u64, Answer>,
}

impl<'a> Answers<'a> {
    /// Begins to listen; to be called before anything is asked.
    pub(super) async fn listen(client: &'a Client) -> Result<Self> {
        let heard = client.subscribe(RECORDS).await.context("listening for answers")?;
        client.flush().await.context("listening for answers")?;
        let after = last_sequence(client, DEAD_LETTERS).await?;
        Ok(Self { client, heard, after, awaited: BTreeMap::new(), given: BTreeMap::new() })
    }

    pub(super) fn expect(&mut self, letter: &Letter) {
        self.awaited.insert(letter.sequence, letter.service.clone());
    }

    /// Takes what has come, without waiting.
    pub(super) fn take_ready(&mut self) {
        while let Some(Some(message)) = self.heard.next().now_or_never() {
            self.take(&message);
        }
    }

    /// Waits until there is an answer about each of these letters, or the time is over. `noted` hears how many there
    /// are.
    pub(super) async fn wait(
        &mut self,
        letters: &BTreeSet<u64>,
        wait_max: Duration,
        noted: &mut (dyn FnMut(usize) + Send),
    ) -> Result<()> {
        self.awaited.retain(|letter, _| letters.contains(letter));
        self.given.retain(|letter, _| letters.contains(letter));
        let deadline = Instant::now() + wait_max;
        let mut look = Instant::now() + LOOKS_EVERY;
        while self.given.len() < self.awaited.len() {
            noted(self.given.len());
            match timeout_at(look.min(deadline), self.heard.next()).await {
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
        let records = Reading::new(self.client, DEAD_LETTERS, RECORDS.to_owned(), Place::Sequence(self.after + 1));
        records
            .each(|stored| {
                self.after = stored.sequence;
                self.note(Answer::read(&stored.envelope));
                Ok(())
            })
            .await
    }

    pub(super) fn given(&self) -> &BTreeMap<u64, Answer> {
        &self.given
    }

    fn take(&mut self, message: &async_nats::Message) {
        self.note(Answer::read(&wire::envelope(&message.subject, message.headers.as_ref(), &message.payload)));
    }

    fn note(&mut self, answer: Option<Answer>) {
        let wanted = |answer: &Answer| self.awaited.get(&answer.letter) == Some(&answer.service);
        if let Some(answer) = answer.filter(wanted) {
            self.given.insert(answer.letter, answer);
        }
    }
}
