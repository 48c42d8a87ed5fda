//! `list` and `groups`: what died, and is still to be seen to.

use std::fmt::Write;

use anyhow::Result;
use async_nats::Client;
use choreography::dead_letters::{self, Entry, Filter, Group};
use serde_json::{Value, json};

use crate::arguments::List;
use crate::output::{Ending, Output, Typed, argument};
use crate::progress::RepairProgress;
use crate::selection;
use crate::shown;
use crate::table::{Table, counted};

/// What a filter means, without what nobody has to see to.
struct Seen {
    dead_letters: Vec<Entry>,
    notices_left_out: usize,
}

/// Reads dead letters, and tells how far it is.
pub(crate) async fn survey(client: &Client, filter: &Filter) -> Result<Vec<Entry>> {
    let mut progress = RepairProgress::begin();
    let mut noted = |read| progress.note(|| format!("{} read", counted(read, "message")));
    dead_letters::survey(client, filter, &mut noted).await
}

async fn see(client: &Client, selection: &selection::Seen) -> Result<Seen> {
    let (filter, all) = (selection.filter(), selection.all);
    let mut dead_letters = survey(client, &filter).await?;
    let before = dead_letters.len();
    dead_letters.retain(|found| all || !shown::is_left_out(found, filter.reason.as_ref()));
    let notices_left_out = before - dead_letters.len();
    dead_letters.retain(|found| all || found.is_open());
    Ok(Seen { dead_letters, notices_left_out })
}

impl Seen {
    fn ending(&self) -> Ending {
        if self.dead_letters.is_empty() { Ending::NothingMatched } else { Ending::Done }
    }

    /// The last lines: how many there are, what is left out, and what to type next.
    fn close(&self, text: &mut String, shown: usize, next: &str) -> Result<()> {
        let Self { dead_letters, notices_left_out } = self;
        match dead_letters.len() {
            0 => writeln!(text, "Nothing that died is left to be seen to here.")?,
            count if count > shown => {
                writeln!(text, "{}; the last {shown} shown (--limit).", counted(count, "dead letter"))?
            }
            count => writeln!(text, "{}.", counted(count, "dead letter"))?,
        }
        if *notices_left_out > 0 {
            let notices = counted(*notices_left_out, "notice");
            writeln!(text, "Besides, {notices} that a message was overdue: --reason overdue.")?;
        }
        writeln!(text, "Next: {next}")?;
        Ok(())
    }
}

/// Lists dead letters.
pub(crate) async fn list(client: &Client, list: &List, typed: &Typed) -> Result<Output> {
    let seen = see(client, &list.seen).await?;
    let limit = usize::try_from(list.limit).unwrap_or(usize::MAX);
    let shown = &seen.dead_letters[seen.dead_letters.len().saturating_sub(limit)..];
    let mut text = String::new();
    let next = match shown.last() {
        Some(last) => {
            write!(text, "{}", shown::list(shown))?;
            typed.command(&format!("show {}", last.dead_letter.sequence))
        }
        None => format!("{}, for what was seen to", typed.command("list --all")),
    };
    seen.close(&mut text, shown.len(), &next)?;
    let json = json!({
        "matched": seen.dead_letters.len(),
        "notices_left_out": seen.notices_left_out,
        "letters": shown.iter().map(shown::json).collect::<Vec<_>>(),
    });
    Ok(Output::new(text, json, seen.ending()))
}

/// Counts dead letters that died of the same.
pub(crate) async fn groups(client: &Client, seen: &selection::Seen, typed: &Typed) -> Result<Output> {
    let seen = see(client, seen).await?;
    let groups = dead_letters::groups(seen.dead_letters.iter().map(|found| &found.dead_letter));
    let mut table = Table::new(&["COUNT", "FIRST (UTC)", "LAST (UTC)", "LETTER", "FINGERPRINT"], &["COUNT", "LETTER"]);
    for group in &groups {
        let Group { fingerprint, count, first, last, example } = group;
        let fingerprint = fingerprint.clone().unwrap_or_else(|| "(none)".to_owned());
        let [first, last] = [first, last].map(|time| shown::moment(*time));
        table.row(vec![count.to_string(), first, last, example.to_string(), fingerprint]);
    }
    let mut text = String::new();
    let next = match groups.first() {
        Some(Group { fingerprint, example, .. }) => {
            write!(text, "{table}")?;
            let show = typed.command(&format!("show {example}"));
            let replay = fingerprint.as_deref().and_then(argument).map(|fingerprint| {
                let command = format!("replay --fingerprint {fingerprint} --dry-run");
                format!(", or {}", typed.command(&command))
            });
            format!("{show}{}", replay.unwrap_or_default())
        }
        None => format!("{}, for what was seen to", typed.command("groups --all")),
    };
    seen.close(&mut text, seen.dead_letters.len(), &next)?;
    let json = json!({
        "matched": seen.dead_letters.len(),
        "notices_left_out": seen.notices_left_out,
        "groups": groups.iter().map(group_json).collect::<Vec<_>>(),
    });
    Ok(Output::new(text, json, seen.ending()))
}

fn group_json(group: &Group) -> Value {
    let Group { fingerprint, count, first, last, example } = group;
    json!({ "fingerprint": fingerprint, "count": count, "first": first, "last": last, "example": example })
}
