//! Having dead letters replayed or dropped: in their order, at a bounded rate, and not longer than the answers are awaited.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Error, Result};
use async_nats::Client;
use tokio::time::MissedTickBehavior;

use super::dead_letter::DeadLetter;
use super::records::RepairRecords;
use super::window::{PublishWindow, RepairRequest};
use crate::wire::repair::RepairRecord;

/// What is asked, and how.
#[derive(Debug, Clone)]
pub struct RepairOptions {
    /// What is asked of the services.
    pub request: RepairRequest,
    /// At most so many messages a second are published: the services do their work besides.
    pub per_second: NonZeroU32,
    /// How long answers are awaited after the last message was published.
    pub wait_max: Duration,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairProgress {
    /// The dead letters.
    pub dead_letters: usize,
    /// Those that have been published.
    pub published: usize,
    /// Those that have been answered.
    pub answered: usize,
}

/// What became of what was asked.
#[derive(Debug)]
pub struct RepairReport {
    /// What became of it for each dead letter, by its sequence.
    pub results: BTreeMap<u64, RepairResult>,
    /// Why it was broken off, if it was.
    pub failure: Option<Error>,
}

/// What became of what was asked about a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairResult {
    /// Its service answered.
    Answered(RepairRecord),
    /// It was published, and there is no answer yet.
    Unanswered,
    /// It was not published, for this reason.
    Unpublished(String),
}

/// Has dead letters replayed or dropped, in the order in which they are given; that should be the stream's. `noted` receives
/// how far it is.
///
/// Asked twice, a service does it once: only while it holds the message for dead with just as many tries.
///
/// # Errors
/// Nothing was published: the server can't be listened to. What goes wrong later is in the report.
pub async fn ask(
    client: &Client,
    asked: &RepairOptions,
    dead_letters: &[DeadLetter],
    noted: &mut (dyn FnMut(RepairProgress) + Send),
) -> Result<RepairReport> {
    let mut records = RepairRecords::listen(client).await?;
    let mut window = PublishWindow::new(client, &asked.request);
    let failure = publish(asked, dead_letters, &mut window, &mut records, noted).await.err();
    let PublishWindow { sent, refused, .. } = window;
    let mut waiting =
        |answered| noted(RepairProgress { dead_letters: dead_letters.len(), published: sent.len(), answered });
    let waited = match failure {
        None => records.wait(&sent, asked.wait_max, &mut waiting).await,
        Some(failure) => {
            // There is hardly anything to be received any more: what can be seen at once is all.
            records.take_ready();
            records.look().await.ok();
            Err(failure)
        }
    };
    let result = |dead_letter: &DeadLetter| {
        let sequence = dead_letter.sequence;
        let result = match (records.given().get(&sequence), refused.get(&sequence)) {
            (Some(record), _) => RepairResult::Answered(record.clone()),
            (None, Some(why)) => RepairResult::Unpublished(why.clone()),
            (None, None) if sent.contains(&sequence) => RepairResult::Unanswered,
            (None, None) => RepairResult::Unpublished("it was broken off before".to_owned()),
        };
        (sequence, result)
    };
    Ok(RepairReport { results: dead_letters.iter().map(result).collect(), failure: waited.err() })
}

async fn publish(
    asked: &RepairOptions,
    dead_letters: &[DeadLetter],
    window: &mut PublishWindow<'_>,
    records: &mut RepairRecords<'_>,
    noted: &mut (dyn FnMut(RepairProgress) + Send),
) -> Result<()> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / asked.per_second.get());
    // What was slow is not made up for in a burst.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for dead_letter in dead_letters {
        pace.tick().await;
        records.expect(dead_letter);
        window.send(dead_letter).await?;
        records.take_ready();
        noted(RepairProgress {
            dead_letters: dead_letters.len(),
            published: window.sent.len(),
            answered: records.given().len(),
        });
    }
    window.settle_all().await
}
