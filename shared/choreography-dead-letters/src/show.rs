//! `show`: one dead letter whole, with the story that led to the death.

use std::fmt::{Result as Written, Write};

use anyhow::Result;
use async_nats::Client;
use choreography::dead_letters::{Details, Told, details};
use serde_json::{Map, Value, json};

use crate::output::{Ending, Output, Typed};
use crate::shown;
use crate::table::{Table, counted, plain};

/// Shows one dead letter.
pub(crate) async fn show(client: &Client, sequence: u64, typed: &Typed) -> Result<Output> {
    let Some(whole) = details(client, sequence).await? else {
        let text = format!("There is no dead letter {sequence}.\nNext: {}\n", typed.command("list"));
        return Ok(Output::new(text, Value::Null, Ending::NothingMatched));
    };
    let mut text = String::new();
    about(&mut text, &whole)?;
    carried(&mut text, &whole)?;
    story(&mut text, &whole)?;
    next(&mut text, &whole, typed)?;
    Ok(Output::new(text, json(&whole), Ending::Done))
}

fn about(text: &mut String, whole: &Details) -> Written {
    let letter = &whole.found.dead_letter;
    writeln!(text, "Dead letter {}: {} at {}", letter.sequence, plain(&letter.message), plain(&letter.service))?;
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let lines = [
        ("order", letter.key.clone()),
        ("reason", letter.reason.clone()),
        ("detail", letter.detail.clone()),
        ("tries", or_none(letter.tries.map(|tries| tries.to_string()))),
        ("died", shown::moment(letter.died.unwrap_or(letter.time))),
        ("said by", or_none(letter.source.clone())),
        ("id", or_none(letter.id.map(|id| id.to_string()))),
        ("fingerprint", or_none(letter.fingerprint.clone())),
        ("state", shown::state(&whole.found)),
    ];
    lines.iter().try_for_each(|(name, value)| writeln!(text, "  {name:<11}  {}", plain(value)))?;
    for answer in &whole.found.records {
        let time = answer.time.map(shown::moment).unwrap_or_default();
        writeln!(text, "  answered     {time}  {}  {}", shown::handled(answer), plain(&answer.detail))?;
    }
    Ok(())
}

fn carried(text: &mut String, whole: &Details) -> Written {
    let envelope = &whole.envelope;
    writeln!(text, "\nHeaders")?;
    let width = envelope.headers.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in envelope.headers.iter() {
        writeln!(text, "  {:<width$}  {}", plain(name), plain(value))?;
    }
    writeln!(text, "\nPayload, {}", counted(envelope.payload.len(), "byte"))?;
    let shown = match payload(&envelope.payload) {
        (Value::String(words), false) => words,
        (payload, _) => format!("{payload:#}"),
    };
    shown.lines().try_for_each(|line| writeln!(text, "  {}", plain(line)))
}

fn story(text: &mut String, whole: &Details) -> Written {
    let letter = &whole.found.dead_letter;
    if !whole.story.is_empty() {
        writeln!(text, "\nThe story until then")?;
        if whole.left_out > 0 {
            writeln!(text, "  ({} before that)", counted(whole.left_out, "message"))?;
        }
        write!(text, "{}", told(&whole.story, letter.event))?;
    }
    if letter.event.is_some() && died(whole).is_none() {
        writeln!(text, "\nThe message itself has left the stream of events; the dead letter still has all of it.")?;
    }
    if !whole.asked.is_empty() {
        writeln!(text, "\nAsked for since")?;
        write!(text, "{}", told(&whole.asked, None))?;
    }
    Ok(())
}

fn told(messages: &[Told], died: Option<u64>) -> Table {
    let mut table = Table::new(&["EVENT", "TIME (UTC)", "SAID BY", "MESSAGE", ""], &["EVENT"]);
    for message in messages {
        let (publisher, name) = parts(message);
        let remark = match what_is_asked(message) {
            _ if Some(message.sequence) == died => "<- this died",
            Some(what) => what,
            None => "",
        };
        table.row(vec![
            message.sequence.to_string(),
            shown::moment(message.time),
            publisher.to_owned(),
            name.to_owned(),
            remark.to_owned(),
        ]);
    }
    table
}

fn next(text: &mut String, whole: &Details, typed: &Typed) -> Written {
    if let Some(obstacle) = whole.found.obstacle() {
        return writeln!(text, "\nNothing to replay or drop: {obstacle}.\nNext: {}", typed.command("list"));
    }
    let sequence = whole.found.dead_letter.sequence;
    let [replay, drop] = [format!("replay {sequence}"), format!("drop {sequence} --reason \"...\"")];
    writeln!(text, "\nNext: {}, or {}", typed.command(&replay), typed.command(&drop))
}

/// The message that died, in the story.
fn died(whole: &Details) -> Option<&Told> {
    whole.story.iter().find(|message| Some(message.sequence) == whole.found.dead_letter.event)
}

fn parts(message: &Told) -> (&str, &str) {
    message.envelope.parts().map_or(("", ""), |(publisher, name, _)| (publisher, name))
}

/// What a message asks that was said a second time.
fn what_is_asked(message: &Told) -> Option<&'static str> {
    let asks = |(header, what)| message.envelope.header(header).map(|_| what);
    [("dead-replay", "replay"), ("dead-drop", "drop")].into_iter().find_map(asks)
}

/// A payload, and whether it is JSON; else it is its text.
fn payload(payload: &[u8]) -> (Value, bool) {
    match serde_json::from_slice(payload) {
        Ok(value) => (value, true),
        Err(_) => (String::from_utf8_lossy(payload).into(), false),
    }
}

fn json(whole: &Details) -> Value {
    let headers = whole.envelope.headers.iter().map(|(name, value)| (name.to_owned(), value.into()));
    let (payload, payload_is_json) = payload(&whole.envelope.payload);
    let mut letter = shown::json(&whole.found);
    letter["headers"] = Value::Object(headers.collect::<Map<_, _>>());
    letter["payload"] = payload;
    letter["payload_is_json"] = payload_is_json.into();
    letter["story"] = whole.story.iter().map(|message| told_json(message, whole.found.dead_letter.event)).collect();
    letter["story_left_out"] = whole.left_out.into();
    letter["asked"] = whole.asked.iter().map(asked_json).collect();
    letter
}

fn told_json(message: &Told, died: Option<u64>) -> Value {
    let (publisher, name) = parts(message);
    let Told { sequence, time, envelope } = message;
    json!({
        "sequence": sequence,
        "time": time,
        "publisher": publisher,
        "message": name,
        "id": envelope.header("ce-id"),
        "died": Some(*sequence) == died,
        "payload": payload(&envelope.payload).0,
    })
}

fn asked_json(message: &Told) -> Value {
    json!({ "sequence": message.sequence, "time": message.time, "what": what_is_asked(message) })
}
