//! Has dead letters replayed or dropped: in their order, at a bounded rate, with a bounded wait for the records.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use async_nats::Client;
use tokio::time::MissedTickBehavior;

use super::dead_letter::DeadLetter;
use super::error::DeadLettersError;
use super::publish_window::{PublishWindow, RepairRequest};
use super::records::RepairRecords;
use crate::wire::repair::RepairRecord;

/// What services have to do with dead letters, how fast, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct RepairOptions {
    /// What the services have to do.
    pub request: RepairRequest,
    /// The most messages that are published in a second: services do their ordinary work at the same time.
    pub per_second: NonZeroU32,
    /// How long to wait for the records after the last message is published.
    pub wait_max: Duration,
}

/// How far a repair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairProgress {
    /// The number of dead letters.
    pub dead_letters: usize,
    /// How many of their messages have been published.
    pub published: usize,
    /// For how many of them the service has published a record.
    pub recorded: usize,
}

/// The result of a repair, for each dead letter.
#[derive(Debug)]
pub struct RepairReport {
    /// The results, by the sequence of the dead letter.
    pub results: BTreeMap<u64, RepairResult>,
    /// Why the repair stopped early; none if it did not.
    pub failure: Option<DeadLettersError>,
}

/// The result of a repair for one dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairResult {
    /// Its service published a record.
    Recorded(RepairRecord),
    /// Its message was published, and there is no record yet.
    Pending,
    /// Its message was not published, for this reason.
    Unpublished(String),
}

/// Has the services replay or drop dead letters, in the order of the slice, which should be the stream's. `on_progress`
/// is called after each step.
///
/// Safe to repeat: a service acts on a repair only while its database has the message as dead with the same number
/// of tries.
///
/// # Errors
/// The server can't be reached, and nothing was published. What fails later is in the report.
pub async fn repair(
    client: &Client,
    options: &RepairOptions,
    dead_letters: &[DeadLetter],
    on_progress: &mut (dyn FnMut(RepairProgress) + Send),
) -> Result<RepairReport, DeadLettersError> {
    let mut records = RepairRecords::subscribe(client).await?;
    let mut window = PublishWindow::new(client, &options.request);
    let failure = publish(options, dead_letters, &mut window, &mut records, on_progress).await.err();
    let PublishWindow { sent, refused, .. } = window;
    let mut waiting =
        |recorded| on_progress(RepairProgress { dead_letters: dead_letters.len(), published: sent.len(), recorded });
    let waited = match failure {
        None => records.wait(&sent, options.wait_max, &mut waiting).await,
        Some(failure) => {
            // The connection failed: only what is there at once can still be read.
            records.take_ready();
            records.read().await.ok();
            Err(failure)
        }
    };
    let result = |dead_letter: &DeadLetter| {
        let sequence = dead_letter.sequence;
        let result = match (records.received().get(&sequence), refused.get(&sequence)) {
            (Some(record), _) => RepairResult::Recorded(record.clone()),
            (None, Some(why)) => RepairResult::Unpublished(why.clone()),
            (None, None) if sent.contains(&sequence) => RepairResult::Pending,
            (None, None) => RepairResult::Unpublished("the repair stopped before".to_owned()),
        };
        (sequence, result)
    };
    Ok(RepairReport { results: dead_letters.iter().map(result).collect(), failure: waited.err() })
}

async fn publish(
    options: &RepairOptions,
    dead_letters: &[DeadLetter],
    window: &mut PublishWindow<'_>,
    records: &mut RepairRecords<'_>,
    on_progress: &mut (dyn FnMut(RepairProgress) + Send),
) -> Result<(), DeadLettersError> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / options.per_second.get());
    // After a delay, the missed messages are not published in a burst.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for dead_letter in dead_letters {
        pace.tick().await;
        records.expect(dead_letter);
        window.send(dead_letter).await?;
        records.take_ready();
        on_progress(RepairProgress {
            dead_letters: dead_letters.len(),
            published: window.sent.len(),
            recorded: records.received().len(),
        });
    }
    window.settle_all().await
}
