//! What the stream has at the end: how many messages an order takes, and whether any was published twice.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures::StreamExt;
use uuid::Uuid;

use super::site::Site;
use crate::invariants::PUBLISHED_MAX;

/// How many messages are fetched at once.
const BATCH: usize = 1_000;
/// The message with which order begins each story. Orders whose beginning the server has lost don't count.
const BEGINS: (&str, &str) = ("order", "reserve-stock");

/// The messages of the stream, by order.
#[derive(Debug, Default)]
pub(super) struct Stored {
    stories: BTreeMap<String, Vec<(u16, Uuid)>>,
    /// Publisher and name of the kinds that occur.
    kinds: Vec<(String, String)>,
}

impl Stored {
    /// Reads the headers of everything that the stream has.
    pub(super) async fn read(site: &Site) -> Result<Self> {
        let stream = site.admin().await?.get_stream("EVENTS").await.context("looking for the stream")?;
        let (ack_policy, headers_only) = (AckPolicy::None, true);
        let consumer = stream.create_consumer(pull::Config { ack_policy, headers_only, ..pull::Config::default() });
        let mut consumer = consumer.await.context("making a consumer")?;
        let (mut stored, mut left) = (Self::default(), consumer.info().await?.num_pending);
        while left > 0 {
            let mut batch = consumer.fetch().max_messages(BATCH).messages().await?;
            while let Some(message) = batch.next().await {
                let message = message.map_err(anyhow::Error::from_boxed)?;
                left = message.info().map_err(anyhow::Error::from_boxed)?.pending;
                let id = message.headers.as_ref().and_then(|headers| headers.get("ce-id"));
                // A placeholder has no id: it stands for a number, and belongs to no order.
                if let Some(id) = id {
                    stored.add(&message.subject, id.as_str())?;
                }
            }
        }
        let _ = stream.delete_consumer(&consumer.cached_info().name).await;
        Ok(stored)
    }

    fn add(&mut self, subject: &str, id: &str) -> Result<()> {
        let id = id.parse().with_context(|| format!("{subject} has the id {id:?}"))?;
        let mut tokens = subject.splitn(3, '.').map(str::to_owned);
        let mut token = || tokens.next().unwrap_or_default();
        let (kind, order) = ((token(), token()), token());
        let known = self.kinds.iter().position(|known| *known == kind);
        let kind = known.unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        self.stories.entry(order).or_default().push((u16::try_from(kind)?, id));
        Ok(())
    }

    /// Returns how many messages are stored about an order, on average.
    pub(super) fn messages_per_order(&self) -> f64 {
        let begins = self.kinds.iter().position(|(publisher, name)| (&**publisher, &**name) == BEGINS);
        let is_whole = |story: &&Vec<(u16, Uuid)>| story.iter().any(|(kind, _)| Some(usize::from(*kind)) == begins);
        let sizes: Vec<usize> = self.stories.values().filter(is_whole).map(Vec::len).collect();
        sizes.iter().sum::<usize>() as f64 / sizes.len().max(1) as f64
    }

    /// Returns how many messages are copies of others.
    pub(super) fn copies(&self) -> usize {
        let copies = |story: &Vec<(u16, Uuid)>| {
            let mut ids = story.clone();
            ids.sort();
            ids.dedup();
            story.len() - ids.len()
        };
        self.stories.values().map(copies).sum()
    }

    /// Returns the messages of which there are too many different ones about one order: something was done twice.
    pub(super) fn done_twice(&self) -> Vec<String> {
        let mut twice = Vec::new();
        for (kind, (publisher, name)) in self.kinds.iter().enumerate() {
            let max = PUBLISHED_MAX.iter().find(|(by, named, _)| by == publisher && named == name);
            let Some((.., max)) = max else { continue };
            for (order, story) in &self.stories {
                let mut ids: Vec<Uuid> = story.iter().filter(|it| usize::from(it.0) == kind).map(|it| it.1).collect();
                ids.sort();
                ids.dedup();
                if ids.len() > *max {
                    twice.push(format!("{publisher}.{name}.{order} was published with {} ids", ids.len()));
                }
            }
        }
        twice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_counted_and_what_was_done_twice_is_named() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)].map(|id| id.to_string());
        let mut stored = Stored::default();
        let messages = [
            ("order.reserve-stock.a", &one),
            ("order.reserve-stock.a", &one),
            ("wallet.wallet-debited.a", &one),
            ("wallet.wallet-debited.a", &other),
            ("delivery.cancel-payment.b", &one),
            ("delivery.cancel-payment.b", &other),
        ];
        messages.into_iter().for_each(|(subject, id)| stored.add(subject, id).unwrap());
        assert_eq!(stored.copies(), 1);
        assert_eq!(stored.done_twice(), ["wallet.wallet-debited.a was published with 2 ids"]);
        assert!((stored.messages_per_order() - 4.0).abs() < f64::EPSILON, "{stored:?}");
    }
}
