//! `list` and `groups`: the dead letters that are open.

use std::fmt::Write;

use anyhow::Result;
use async_nats::Client;
use choreography::dead_letters::{self, Entry, Filter, Group};
use serde_json::{Value, json};

use crate::arguments::ListArguments;
use crate::invocation::{Invocation, unquoted};
use crate::output::{Ending, Output};
use crate::progress::Progress;
use crate::selection::ListSelection;
use crate::table::{Table, counted};
use crate::view;

/// The entries that a selection means.
struct Selected {
    entries: Vec<Entry>,
    notices_left_out: usize,
}

/// Returns the dead letters that match a filter, and shows progress.
pub(crate) async fn entries(client: &Client, filter: &Filter) -> Result<Vec<Entry>> {
    let mut progress = Progress::start();
    let mut on_progress = |read| progress.update(|| format!("{} read", counted(read, "message")));
    Ok(dead_letters::list(client, filter, &mut on_progress).await?)
}

impl Selected {
    async fn read(client: &Client, selection: &ListSelection) -> Result<Self> {
        let (filter, all) = (selection.filter(), selection.all);
        let mut entries = entries(client, &filter).await?;
        let before = entries.len();
        entries.retain(|entry| all || !view::is_left_out(entry, filter.reason.as_ref()));
        let notices_left_out = before - entries.len();
        entries.retain(|entry| all || entry.is_open());
        Ok(Self { entries, notices_left_out })
    }

    fn ending(&self) -> Ending {
        if self.entries.is_empty() { Ending::NothingMatched } else { Ending::Done }
    }

    /// Writes the last lines: how many there are, what is left out, and what to type next.
    fn write_end(&self, text: &mut String, shown: usize, next: &str) -> Result<()> {
        let Self { entries, notices_left_out } = self;
        match entries.len() {
            0 => writeln!(text, "No open dead letter matches.")?,
            count if count > shown => {
                writeln!(text, "{}; the last {shown} shown (--limit).", counted(count, "dead letter"))?
            }
            count => writeln!(text, "{}.", counted(count, "dead letter"))?,
        }
        if *notices_left_out > 0 {
            let notices = counted(*notices_left_out, "notice");
            writeln!(text, "Left out: {notices} that a message is overdue (--reason overdue).")?;
        }
        writeln!(text, "Next: {next}")?;
        Ok(())
    }
}

/// Lists dead letters.
pub(crate) async fn list(client: &Client, arguments: &ListArguments, invocation: &Invocation) -> Result<Output> {
    let selected = Selected::read(client, &arguments.selection).await?;
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let shown = &selected.entries[selected.entries.len().saturating_sub(limit)..];
    let mut text = String::new();
    let next = match shown.last() {
        Some(last) => {
            write!(text, "{}", view::table(shown))?;
            invocation.of(&format!("show {}", last.dead_letter.sequence))
        }
        None => format!("{}, for what is handled", invocation.of("list --all")),
    };
    selected.write_end(&mut text, shown.len(), &next)?;
    let json = json!({
        "matched": selected.entries.len(),
        "notices_left_out": selected.notices_left_out,
        "dead_letters": shown.iter().map(view::json).collect::<Vec<_>>(),
    });
    Ok(Output::new(text, json, selected.ending()))
}

/// Counts dead letters by their cause.
pub(crate) async fn groups(client: &Client, selection: &ListSelection, invocation: &Invocation) -> Result<Output> {
    let selected = Selected::read(client, selection).await?;
    let groups = dead_letters::groups(selected.entries.iter().map(|entry| &entry.dead_letter));
    let mut table =
        Table::new(&["COUNT", "FIRST (UTC)", "LAST (UTC)", "EXAMPLE", "FINGERPRINT"], &["COUNT", "EXAMPLE"]);
    for group in &groups {
        let Group { fingerprint, count, first, last, example } = group;
        let fingerprint = fingerprint.clone().unwrap_or_else(|| "(none)".to_owned());
        let [first, last] = [first, last].map(|time| view::time(*time));
        table.row(vec![count.to_string(), first, last, example.to_string(), fingerprint]);
    }
    let mut text = String::new();
    let next = match groups.first() {
        Some(Group { fingerprint, example, .. }) => {
            write!(text, "{table}")?;
            let show = invocation.of(&format!("show {example}"));
            let replay = fingerprint.as_deref().and_then(unquoted).map(|fingerprint| {
                let command = format!("replay --fingerprint {fingerprint} --dry-run");
                format!(", or {}", invocation.of(&command))
            });
            format!("{show}{}", replay.unwrap_or_default())
        }
        None => format!("{}, for what is handled", invocation.of("groups --all")),
    };
    selected.write_end(&mut text, selected.entries.len(), &next)?;
    let json = json!({
        "matched": selected.entries.len(),
        "notices_left_out": selected.notices_left_out,
        "groups": groups.iter().map(group_json).collect::<Vec<_>>(),
    });
    Ok(Output::new(text, json, selected.ending()))
}

fn group_json(group: &Group) -> Value {
    let Group { fingerprint, count, first, last, example } = group;
    json!({ "fingerprint": fingerprint, "count": count, "first": first, "last": last, "example": example })
}
