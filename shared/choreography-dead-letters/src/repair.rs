//! `replay` and `drop`: which dead letters are meant, which of them can be seen to, and having it done.

use std::num::NonZeroU32;

use anyhow::Result;
use async_nats::Client;
use choreography::dead_letters::{
    DeadLetter, Entry, EntryState, Filter, Obstacle, RepairOptions, RepairRequest, RepairResult, ask,
};

use crate::arguments::Pace;
use crate::output::{Output, Typed};
use crate::progress::RepairProgress;
use crate::repaired::Repaired;
use crate::row::Row;
use crate::see::survey;
use crate::shown;
use crate::table::counted;

/// Has dead letters replayed or dropped.
pub(crate) async fn repair(
    client: &Client,
    request: RepairRequest,
    selection: &Filter,
    pace: &Pace,
    typed: &Typed,
) -> Result<Output> {
    let mut found = survey(client, selection).await?;
    if selection.sequences.is_empty() {
        found.retain(|found| is_meant(found, selection, pace.again));
    }
    let mut repaired = Repaired::new(&request, pace.dry_run);
    let there = |sequence: &u64| found.iter().any(|found| found.dead_letter.sequence == *sequence);
    selection.sequences.iter().filter(|sequence| !there(sequence)).for_each(|sequence| repaired.missing(*sequence));
    let mut dead_letters: Vec<DeadLetter> = Vec::new();
    for found in found {
        match found.obstacle() {
            Some(Obstacle::Handled(_)) if pace.again => dead_letters.push(found.dead_letter),
            Some(obstacle) => repaired.add(Row::skipped(&found.dead_letter, &obstacle)),
            None => dead_letters.push(found.dead_letter),
        }
    }
    if pace.dry_run {
        dead_letters.iter().for_each(|letter| repaired.add(Row::planned(letter)));
    } else if !dead_letters.is_empty() {
        have_done(client, request, pace, &dead_letters, &mut repaired).await?;
    }
    repaired.output(typed)
}

/// Whether a dead letter is meant that was not named: what is over and what can't be replayed at all is left alone.
fn is_meant(found: &Entry, selection: &Filter, again: bool) -> bool {
    let is_due = match found.state {
        EntryState::Open => true,
        EntryState::Handled(_) => again,
        EntryState::Superseded { .. } => false,
    };
    is_due && !shown::is_left_out(found, selection.reason.as_ref())
}

async fn have_done(
    client: &Client,
    request: RepairRequest,
    pace: &Pace,
    dead_letters: &[DeadLetter],
    repaired: &mut Repaired,
) -> Result<()> {
    let per_second = NonZeroU32::new(pace.rate).unwrap_or(NonZeroU32::MIN);
    let asked = RepairOptions { request, per_second, wait_max: pace.wait };
    let mut progress = RepairProgress::begin();
    let mut noted = |far: choreography::dead_letters::RepairProgress| {
        progress.note(|| {
            let dead_letters = counted(far.dead_letters, "dead letter");
            format!("{} of {dead_letters} published, {} answered", far.published, far.answered)
        });
    };
    let mut report = ask(client, &asked, dead_letters, &mut noted).await?;
    for letter in dead_letters {
        let result = report.results.remove(&letter.sequence).unwrap_or(RepairResult::Unanswered);
        repaired.add(Row::of(letter, result));
    }
    repaired.failure = report.failure;
    Ok(())
}
