//! Messages that are nearly an example.

use choreography::{Envelope, Headers};
use serde_json::Value;

use crate::bytes::Bytes;
use crate::draw::Draw;
use crate::json::json;
use crate::text::text;

/// Headers that mean something to a service, beside those that every message has.
const MORE: [(&str, &str); 18] = [
    ("dead-replay", "payment/1/7"),
    ("dead-drop", "payment/1/7"),
    ("dead-drop-reason", "no"),
    ("dead-reason", "poison"),
    ("dead-tries", "1"),
    ("dead-sequence", "7"),
    ("dead-role", "step"),
    ("dead-processed", "100"),
    ("dead-fingerprint", "payment/debit/poison/no"),
    ("ce-placeholder", "true"),
    ("ce-expirytime", "2026-01-01T00:00:01Z"),
    ("handled-outcome", "done"),
    ("tracestate", "a=b"),
    ("x", ""),
    ("ce-outbox", "0198c0de-0000-7000-8000-000000000007"),
    ("ce-outbox", "00000000-0000-0000-0000-000000000000"),
    ("ce-number", "5"),
    ("ce-number", "18446744073709551615"),
];

/// Returns a message that is nearly an example: with another subject, payload, or other headers.
pub(crate) fn envelope(example: &Envelope, draw: &mut Draw<'_>) -> Envelope {
    let subject = if draw.once_in(6) { text(&example.subject, draw) } else { example.subject.to_string() };
    let payload = match serde_json::from_slice::<Value>(&example.payload) {
        Ok(value) if draw.once_in(2) => json(&value, draw).0,
        Err(_) if draw.once_in(2) => Bytes::near(&example.payload, draw).0,
        _ => example.payload.to_vec(),
    };
    Envelope { subject: subject.into(), headers: headers(&example.headers, draw), payload: payload.into() }
}

fn headers(example: &Headers, draw: &mut Draw<'_>) -> Headers {
    let mut headers: Vec<(String, String)> =
        example.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for _ in 0..draw.below(4) {
        let at = draw.below(headers.len());
        match (draw.below(6), headers.get(at).cloned()) {
            (0, Some(_)) => drop(headers.remove(at)),
            (1, Some((name, value))) => headers.push((name, text(&value, draw))),
            (2 | 3, Some((_, value))) => headers[at].1 = text(&value, draw),
            (4, Some((name, _))) => headers[at].0 = name.to_uppercase(),
            _ => {
                let (name, value) = draw.one(&MORE);
                headers.push(((*name).to_owned(), text(value, draw)));
            }
        }
    }
    headers.into_iter().collect()
}
