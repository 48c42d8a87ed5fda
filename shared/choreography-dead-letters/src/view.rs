//! How a dead letter is shown.

use choreography::dead_letters::{DeadLetter, Entry, EntryState, OVERDUE, RepairRecord};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::table::{Table, cut};

/// The most characters of a detail in a column; `show` prints all of it.
const DETAIL_CHARACTERS_MAX: usize = 60;

/// Returns the table of a list.
pub(crate) fn table<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Table {
    let header = ["NUMBER", "TIME (UTC)", "SERVICE", "MESSAGE", "KEY", "REASON", "TRIES", "STATE", "DETAIL"];
    let mut table = Table::new(&header, &["NUMBER", "TRIES"]);
    for entry in entries {
        let DeadLetter { sequence, stored_at, service, message, key, reason, tries, detail, .. } = &entry.dead_letter;
        table.row(vec![
            sequence.to_string(),
            time(*stored_at),
            service.clone(),
            message.clone(),
            key.clone(),
            reason.clone(),
            tries.map(|tries| tries.to_string()).unwrap_or_default(),
            state(entry),
            cut(detail, DETAIL_CHARACTERS_MAX),
        ]);
    }
    table
}

/// Returns a time as a column shows it.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns the state of a dead letter in a few words.
pub(crate) fn state(entry: &Entry) -> String {
    match &entry.state {
        _ if entry.dead_letter.is_notice() => "notice".to_owned(),
        EntryState::Superseded { by } => format!("see {by}"),
        EntryState::Handled(record) => outcome(record),
        EntryState::Open if entry.dead_letter.flaw.is_some() => "only to look at".to_owned(),
        EntryState::Open if entry.dead_letter.fallback_failed.is_some() => "open, fallback failed".to_owned(),
        EntryState::Open if !entry.records.is_empty() => "open, was refused".to_owned(),
        EntryState::Open => "open".to_owned(),
    }
}

/// Returns what was requested, and the outcome.
pub(crate) fn outcome(record: &RepairRecord) -> String {
    format!("{}: {}", record.what, record.outcome)
}

/// Whether an entry is left out: a notice, unless notices are wanted.
pub(crate) fn is_left_out(entry: &Entry, reason: Option<&String>) -> bool {
    entry.dead_letter.is_notice() && reason.is_none_or(|reason| reason != OVERDUE)
}

/// Returns a dead letter for scripts.
pub(crate) fn json(entry: &Entry) -> Value {
    let dead_letter = &entry.dead_letter;
    let (state, superseded_by) = match &entry.state {
        EntryState::Open => ("open", None),
        EntryState::Superseded { by } => ("superseded", Some(by)),
        EntryState::Handled(_) => ("handled", None),
    };
    let records = entry.records.iter().map(|record| {
        json!({
            "what": record.what,
            "outcome": record.outcome.as_str(),
            "detail": record.detail,
            "time": record.time,
        })
    });
    json!({
        "sequence": dead_letter.sequence,
        "time": dead_letter.stored_at,
        "service": dead_letter.service,
        "message": dead_letter.message,
        "key": dead_letter.key,
        "id": dead_letter.id.map(|id| id.to_string()),
        "source": dead_letter.source,
        "reason": dead_letter.reason,
        "detail": dead_letter.detail,
        "tries": dead_letter.tries,
        "fingerprint": dead_letter.fingerprint,
        "died_at": dead_letter.died_at,
        "event_sequence": dead_letter.event_sequence,
        "published_as": dead_letter.published_as,
        "lacks": dead_letter.lacks,
        "fallback_failed": dead_letter.fallback_failed,
        "state": state,
        "superseded_by": superseded_by,
        "obstacle": entry.obstacle().map(|obstacle| obstacle.to_string()),
        "records": records.collect::<Vec<_>>(),
    })
}
