//! `replay` and `drop`: selects dead letters, skips those that can't be repaired, and repairs the others.

use std::num::NonZeroU32;

use anyhow::Result;
use async_nats::Client;
use choreography::dead_letters::{
    self, DeadLetter, Entry, EntryState, Filter, Obstacle, RepairOptions, RepairProgress, RepairRequest, RepairResult,
};

use crate::arguments::RepairArguments;
use crate::invocation::Invocation;
use crate::list::entries;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::Report;
use crate::report_row::ReportRow;
use crate::table::counted;
use crate::view;

/// Has the services replay or drop the dead letters that a filter selects.
pub(crate) async fn repair(
    client: &Client,
    request: RepairRequest,
    filter: &Filter,
    arguments: &RepairArguments,
    invocation: &Invocation,
) -> Result<Output> {
    let mut entries = entries(client, filter).await?;
    if filter.sequences.is_empty() {
        entries.retain(|entry| is_selected(entry, filter, arguments.again));
    }
    let mut report = Report::new(&request, arguments.dry_run);
    let exists = |sequence: &u64| entries.iter().any(|entry| entry.dead_letter.sequence == *sequence);
    let missing = filter.sequences.iter().filter(|sequence| !exists(sequence));
    missing.for_each(|sequence| report.add(ReportRow::missing(*sequence)));
    let mut dead_letters: Vec<DeadLetter> = Vec::new();
    for entry in entries {
        match entry.obstacle() {
            Some(Obstacle::Handled(_)) if arguments.again => dead_letters.push(entry.dead_letter),
            Some(obstacle) => report.add(ReportRow::skipped(&entry.dead_letter, &obstacle)),
            None => dead_letters.push(entry.dead_letter),
        }
    }
    if arguments.dry_run {
        dead_letters.iter().for_each(|dead_letter| report.add(ReportRow::planned(dead_letter)));
    } else if !dead_letters.is_empty() {
        publish(client, request, arguments, &dead_letters, &mut report).await?;
    }
    report.output(invocation)
}

/// Whether an entry that was not named by its number is repaired: not if it is handled, superseded or a notice.
fn is_selected(entry: &Entry, filter: &Filter, again: bool) -> bool {
    let is_due = match entry.state {
        EntryState::Open => true,
        EntryState::Handled(_) => again,
        EntryState::Superseded { .. } => false,
    };
    is_due && !view::is_left_out(entry, filter.reason.as_ref())
}

async fn publish(
    client: &Client,
    request: RepairRequest,
    arguments: &RepairArguments,
    dead_letters: &[DeadLetter],
    report: &mut Report,
) -> Result<()> {
    let per_second = NonZeroU32::new(arguments.rate).unwrap_or(NonZeroU32::MIN);
    let options = RepairOptions { request, per_second, wait_max: arguments.wait };
    let mut progress = Progress::start();
    let mut on_progress = |now: RepairProgress| {
        progress.update(|| {
            let total = counted(now.dead_letters, "dead letter");
            format!("{} of {total} published, {} recorded", now.published, now.recorded)
        });
    };
    let mut repaired = dead_letters::repair(client, &options, dead_letters, &mut on_progress).await?;
    for dead_letter in dead_letters {
        let result = repaired.results.remove(&dead_letter.sequence).unwrap_or(RepairResult::Pending);
        report.add(ReportRow::of(dead_letter, result));
    }
    report.failure = repaired.failure.map(Into::into);
    Ok(())
}
