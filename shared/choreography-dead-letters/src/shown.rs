//! A dead letter as it is shown.

use choreography::dead_letters::{DeadLetter, Entry, EntryState, OVERDUE, RepairRecord};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::table::{Table, cut};

/// At most so many dead letters of a detail in a column; `show` has it whole.
const DETAIL_MAX: usize = 60;

/// The columns of a list.
pub(crate) fn list<'a>(dead_letters: impl IntoIterator<Item = &'a Entry>) -> Table {
    let head = ["LETTER", "TIME (UTC)", "SERVICE", "MESSAGE", "ORDER", "REASON", "TRIES", "STATE", "DETAIL"];
    let mut table = Table::new(&head, &["LETTER", "TRIES"]);
    for found in dead_letters {
        let DeadLetter { sequence, time, service, message, key, reason, tries, detail, .. } = &found.dead_letter;
        table.row(vec![
            sequence.to_string(),
            moment(*time),
            service.clone(),
            message.clone(),
            key.clone(),
            reason.clone(),
            tries.map(|tries| tries.to_string()).unwrap_or_default(),
            state(found),
            cut(detail, DETAIL_MAX),
        ]);
    }
    table
}

/// A moment in a column.
pub(crate) fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// What became of a dead letter, in a few words.
pub(crate) fn state(found: &Entry) -> String {
    match &found.state {
        _ if found.dead_letter.is_notice() => "notice".to_owned(),
        EntryState::Superseded { by } => format!("see {by}"),
        EntryState::Handled(answer) => handled(answer),
        EntryState::Open if found.dead_letter.flaw.is_some() => "only to look at".to_owned(),
        EntryState::Open if !found.records.is_empty() => "open, was refused".to_owned(),
        EntryState::Open => "open".to_owned(),
    }
}

/// What was asked, and what became of it.
pub(crate) fn handled(answer: &RepairRecord) -> String {
    format!("{}: {}", answer.what, answer.outcome)
}

/// Whether a dead letter is one of those that nobody has to see to: a notice, unless notices are what was asked for.
pub(crate) fn is_left_out(found: &Entry, reason: Option<&String>) -> bool {
    found.dead_letter.is_notice() && reason.is_none_or(|reason| reason != OVERDUE)
}

/// A dead letter for scripts.
pub(crate) fn json(found: &Entry) -> Value {
    let letter = &found.dead_letter;
    let (state, superseded_by) = match &found.state {
        EntryState::Open => ("open", None),
        EntryState::Superseded { by } => ("superseded", Some(by)),
        EntryState::Handled(_) => ("handled", None),
    };
    let answers = found.records.iter().map(|answer| {
        json!({
            "what": answer.what,
            "outcome": answer.outcome.as_str(),
            "detail": answer.detail,
            "time": answer.time,
        })
    });
    json!({
        "sequence": letter.sequence,
        "time": letter.time,
        "service": letter.service,
        "message": letter.message,
        "key": letter.key,
        "id": letter.id.map(|id| id.to_string()),
        "source": letter.source,
        "reason": letter.reason,
        "detail": letter.detail,
        "tries": letter.tries,
        "fingerprint": letter.fingerprint,
        "died_at": letter.died,
        "event_sequence": letter.event,
        "state": state,
        "superseded_by": superseded_by,
        "obstacle": found.obstacle().map(|obstacle| obstacle.to_string()),
        "answers": answers.collect::<Vec<_>>(),
    })
}
