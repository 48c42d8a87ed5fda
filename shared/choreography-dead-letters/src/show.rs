//! `show`: everything about one dead letter, with the story that led to the death.

use std::fmt::{Result as WriteResult, Write};

use anyhow::Result;
use async_nats::Client;
use choreography::bus::Stored;
use choreography::dead_letters::{Details, details};
use serde_json::{Map, Value, json};

use crate::invocation::Invocation;
use crate::output::{Ending, Output};
use crate::table::{Table, counted, plain};
use crate::view;

/// Shows one dead letter.
pub(crate) async fn show(client: &Client, sequence: u64, invocation: &Invocation) -> Result<Output> {
    let Some(details) = details(client, sequence).await? else {
        let text = format!("There is no dead letter {sequence}.\nNext: {}\n", invocation.of("list"));
        return Ok(Output::new(text, Value::Null, Ending::NothingMatched));
    };
    let mut text = String::new();
    write_summary(&mut text, &details)?;
    write_message(&mut text, &details)?;
    write_story(&mut text, &details)?;
    write_next(&mut text, &details, invocation)?;
    Ok(Output::new(text, json(&details), Ending::Done))
}

fn write_summary(text: &mut String, details: &Details) -> WriteResult {
    let dead_letter = &details.entry.dead_letter;
    writeln!(
        text,
        "Dead letter {}: {} at {}",
        dead_letter.sequence,
        plain(&dead_letter.message),
        plain(&dead_letter.service)
    )?;
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let lines = [
        ("key", dead_letter.key.clone()),
        ("reason", dead_letter.reason.clone()),
        ("detail", dead_letter.detail.clone()),
        ("tries", or_none(dead_letter.tries.map(|tries| tries.to_string()))),
        ("died", view::time(dead_letter.died_at.unwrap_or(dead_letter.stored_at))),
        ("publisher", or_none(dead_letter.source.clone())),
        ("id", or_none(dead_letter.id.map(|id| id.to_string()))),
        ("fingerprint", or_none(dead_letter.fingerprint.clone())),
        ("state", view::state(&details.entry)),
    ];
    let subject = ("subject", dead_letter.published_as.as_ref());
    let fallback = ("fallback", dead_letter.fallback_failed.as_ref());
    let further = [subject, ("lacks", dead_letter.lacks.as_ref()), fallback];
    let further = further.into_iter().filter_map(|(name, value)| Some((name, value?.clone())));
    let mut lines = lines.into_iter().chain(further);
    lines.try_for_each(|(name, value)| writeln!(text, "  {name:<11}  {}", plain(&value)))?;
    for record in &details.entry.records {
        let time = record.time.map(view::time).unwrap_or_default();
        writeln!(text, "  record       {time}  {}  {}", view::outcome(record), plain(&record.detail))?;
    }
    Ok(())
}

fn write_message(text: &mut String, details: &Details) -> WriteResult {
    let envelope = &details.envelope;
    writeln!(text, "\nHeaders")?;
    let width = envelope.headers.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in envelope.headers.iter() {
        writeln!(text, "  {:<width$}  {}", plain(name), plain(value))?;
    }
    writeln!(text, "\nPayload, {}", counted(envelope.payload.len(), "byte"))?;
    let lines = match payload(&envelope.payload) {
        (Value::String(text), false) => text,
        (payload, _) => format!("{payload:#}"),
    };
    lines.lines().try_for_each(|line| writeln!(text, "  {}", plain(line)))
}

fn write_story(text: &mut String, details: &Details) -> WriteResult {
    let dead_letter = &details.entry.dead_letter;
    if !details.story.is_empty() {
        writeln!(text, "\nStory until the death")?;
        if details.story_left_out > 0 {
            writeln!(text, "  ({} before that)", counted(details.story_left_out, "message"))?;
        }
        write!(text, "{}", messages(&details.story, dead_letter.event_sequence))?;
    }
    if dead_letter.event_sequence.is_some() && died(details).is_none() {
        let copy = if dead_letter.lacks.is_some() { "what is shown here" } else { "a copy of all of it" };
        writeln!(text, "\nThe message itself has left the stream EVENTS; the dead letter has {copy}.")?;
    }
    if !details.repairs.is_empty() {
        writeln!(text, "\nReplays and drops since")?;
        write!(text, "{}", messages(&details.repairs, None))?;
    }
    Ok(())
}

fn messages(messages: &[Stored], died: Option<u64>) -> Table {
    let mut table = Table::new(&["NUMBER", "TIME (UTC)", "PUBLISHER", "MESSAGE", ""], &["NUMBER"]);
    for message in messages {
        let (publisher, name) = parts(message);
        let remark = match requested(message) {
            _ if Some(message.sequence) == died => "<- this died",
            Some(what) => what,
            None => "",
        };
        table.row(vec![
            message.sequence.to_string(),
            view::time(message.at),
            publisher.to_owned(),
            name.to_owned(),
            remark.to_owned(),
        ]);
    }
    table
}

fn write_next(text: &mut String, details: &Details, invocation: &Invocation) -> WriteResult {
    if let Some(obstacle) = details.entry.obstacle() {
        return writeln!(text, "\nIt can't be replayed or dropped: {obstacle}.\nNext: {}", invocation.of("list"));
    }
    let sequence = details.entry.dead_letter.sequence;
    let [replay, drop] = [format!("replay {sequence}"), format!("drop {sequence} --reason \"...\"")];
    writeln!(text, "\nNext: {}, or {}", invocation.of(&replay), invocation.of(&drop))
}

/// Returns the message that died, if it is in the story.
fn died(details: &Details) -> Option<&Stored> {
    details.story.iter().find(|message| Some(message.sequence) == details.entry.dead_letter.event_sequence)
}

/// Returns the publisher and the name of a message.
fn parts(message: &Stored) -> (&str, &str) {
    message.envelope.parts().map_or(("", ""), |(publisher, name, _)| (publisher, name))
}

/// Returns what a message of a repair requests: `replay` or `drop`.
fn requested(message: &Stored) -> Option<&'static str> {
    let requests = |(header, what)| message.envelope.header(header).map(|_| what);
    [("dead-replay", "replay"), ("dead-drop", "drop")].into_iter().find_map(requests)
}

/// Returns a payload, and whether it is JSON; if it is not, as text.
fn payload(payload: &[u8]) -> (Value, bool) {
    match serde_json::from_slice(payload) {
        Ok(value) => (value, true),
        Err(_) => (String::from_utf8_lossy(payload).into(), false),
    }
}

fn json(details: &Details) -> Value {
    let headers = details.envelope.headers.iter().map(|(name, value)| (name.to_owned(), value.into()));
    let (payload, payload_is_json) = payload(&details.envelope.payload);
    let mut json = view::json(&details.entry);
    json["headers"] = Value::Object(headers.collect::<Map<_, _>>());
    json["payload"] = payload;
    json["payload_is_json"] = payload_is_json.into();
    json["story"] =
        details.story.iter().map(|message| message_json(message, details.entry.dead_letter.event_sequence)).collect();
    json["story_left_out"] = details.story_left_out.into();
    json["repairs"] = details.repairs.iter().map(repair_json).collect();
    json
}

fn message_json(message: &Stored, died: Option<u64>) -> Value {
    let (publisher, name) = parts(message);
    let Stored { sequence, at, envelope, .. } = message;
    json!({
        "sequence": sequence,
        "time": at,
        "publisher": publisher,
        "message": name,
        "id": envelope.header("ce-id"),
        "died": Some(*sequence) == died,
        "payload": payload(&envelope.payload).0,
    })
}

fn repair_json(message: &Stored) -> Value {
    json!({ "sequence": message.sequence, "time": message.at, "what": requested(message) })
}
