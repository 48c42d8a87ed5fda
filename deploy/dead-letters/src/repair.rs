//! `replay` and `drop`: which letters are meant, which of them can be seen to, and having it done.

use std::num::NonZeroU32;

use anyhow::Result;
use async_nats::Client;
use choreography::letters::{Asked, Fate, Filter, Found, Letter, Obstacle, Request, Standing, ask};

use crate::arguments::Pace;
use crate::output::{Output, Typed};
use crate::progress::Progress;
use crate::repaired::Repaired;
use crate::row::Row;
use crate::see::survey;
use crate::shown;
use crate::table::counted;

/// Has letters replayed or dropped.
pub(crate) async fn repair(
    client: &Client,
    request: Request,
    selection: &Filter,
    pace: &Pace,
    typed: &Typed,
) -> Result<Output> {
    let mut found = survey(client, selection).await?;
    if selection.sequences.is_empty() {
        found.retain(|found| is_meant(found, selection, pace.again));
    }
    let mut repaired = Repaired::new(&request, pace.dry_run);
    let there = |sequence: &u64| found.iter().any(|found| found.letter.sequence == *sequence);
    selection.sequences.iter().filter(|sequence| !there(sequence)).for_each(|sequence| repaired.missing(*sequence));
    let mut letters: Vec<Letter> = Vec::new();
    for found in found {
        match found.obstacle() {
            Some(Obstacle::Handled(_)) if pace.again => letters.push(found.letter),
            Some(obstacle) => repaired.add(Row::skipped(&found.letter, &obstacle)),
            None => letters.push(found.letter),
        }
    }
    if pace.dry_run {
        letters.iter().for_each(|letter| repaired.add(Row::planned(letter)));
    } else if !letters.is_empty() {
        have_done(client, request, pace, &letters, &mut repaired).await?;
    }
    repaired.output(typed)
}

/// Whether a letter is meant that was not named: what is over and what can't be replayed at all is left alone.
fn is_meant(found: &Found, selection: &Filter, again: bool) -> bool {
    let is_due = match found.standing {
        Standing::Open => true,
        Standing::Handled(_) => again,
        Standing::Superseded { .. } => false,
    };
    is_due && !shown::is_left_out(found, selection.reason.as_ref())
}

async fn have_done(
    client: &Client,
    request: Request,
    pace: &Pace,
    letters: &[Letter],
    repaired: &mut Repaired,
) -> Result<()> {
    let per_second = NonZeroU32::new(pace.rate).unwrap_or(NonZeroU32::MIN);
    let asked = Asked { request, per_second, wait_max: pace.wait };
    let mut progress = Progress::begin();
    let mut noted = |far: choreography::letters::Progress| {
        progress.note(|| {
            let letters = counted(far.letters, "letter");
            format!("{} of {letters} published, {} answered", far.published, far.answered)
        });
    };
    let mut report = ask(client, &asked, letters, &mut noted).await?;
    for letter in letters {
        let fate = report.fates.remove(&letter.sequence).unwrap_or(Fate::Unanswered);
        repaired.add(Row::of(letter, fate));
    }
    repaired.failure = report.failure;
    Ok(())
}
