//! Nearly right answers of the server: of the JetStream API, stored messages, and deliveries.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bytes::Bytes;
use crate::draw::Draw;
use crate::fake_server::Answer;
use crate::json::json as nearly;
use crate::text::text;

/// Returns the answers to one request; sometimes those to another one.
pub(super) fn answers_to(question: &'static str, questions: &[&'static str], draw: &mut Draw<'_>) -> Vec<Answer> {
    let question = if draw.once_in(12) { draw.word(questions) } else { question };
    let plain = |value: &Value, draw: &mut Draw<'_>| {
        let headers = draw.once_in(20).then(|| b"NATS/1.0 503\r\n\r\n".to_vec());
        vec![Answer { subject: None, reply: None, headers, payload: nearly(value, draw).0 }]
    };
    match question {
        "own" | "dead-letters" | "first-after" => direct(draw),
        "pull" => {
            if draw.once_in(2) {
                plain(&consumer(), draw)
            } else {
                deliveries(draw)
            }
        }
        "stream" => plain(&stream(), draw),
        "consumers" => plain(&json!({"total": 2, "offset": 0, "limit": 256, "consumers": [consumer()]}), draw),
        "consumer" => plain(&consumer(), draw),
        "publish" | "note" => plain(&acknowledgement(draw), draw),
        _ => plain(&single(draw), draw),
    }
}

fn stream() -> Value {
    json!({
        "type": "io.nats.jetstream.api.v1.stream_info_response",
        "config": {"name": "EVENTS", "retention": "limits", "max_msgs": 1000, "max_bytes": 100_000, "storage": "file"},
        "created": "2026-01-01T00:00:00Z", "ts": "2026-01-02T00:00:00.1Z",
        "state": {"messages": 5, "bytes": 500, "first_seq": 1, "last_seq": 5, "num_deleted": 1},
        "cluster": {"leader": "n1", "leader_since": "2026-01-01T00:00:00Z"}
    })
}

fn consumer() -> Value {
    json!({
        "stream_name": "EVENTS", "name": "payment-0", "num_pending": 2, "paused": false,
        "config": {"durable_name": "payment-0", "ack_policy": "none", "deliver_policy": "all",
            "filter_subjects": ["order.cancel-payment.*"], "metadata": {"choreography": "subscriber"}},
        "delivered": {"consumer_seq": 3, "stream_seq": 5}, "ack_floor": {"consumer_seq": 3, "stream_seq": 5}
    })
}

fn acknowledgement(draw: &mut Draw<'_>) -> Value {
    match draw.below(3) {
        0 => json!({"error": {"code": 400, "err_code": 10_054, "description": "message size exceeds maximum allowed"}}),
        _ => json!({"stream": "EVENTS", "seq": 7, "duplicate": false}),
    }
}

fn headers(draw: &mut Draw<'_>) -> Vec<u8> {
    let text = "NATS/1.0\r\nce-id: 0198c0de-0000-7000-8000-000000000001\r\nce-source: order\r\n\
                Nats-Stream: EVENTS\r\nNats-Subject: order.reserve-stock.o1\r\nNats-Sequence: 5\r\n\
                Nats-Time-Stamp: 2026-01-01T00:00:00.000000001Z\r\n\r\n";
    match draw.below(3) {
        0 => text.as_bytes().to_vec(),
        1 => {
            let lines = text.split_inclusive("\r\n").map(|line| match (draw.once_in(6), line.split_once(": ")) {
                (true, Some((name, value))) => format!("{name}: {}\r\n", crate::text::text(value.trim_end(), draw)),
                _ => line.to_owned(),
            });
            lines.collect::<String>().into_bytes()
        }
        _ => Bytes::near(text.as_bytes(), draw).0,
    }
}

fn single(draw: &mut Draw<'_>) -> Value {
    if draw.once_in(6) {
        return json!({"error": {"code": 404, "err_code": 10_037, "description": "no message found"}});
    }
    let note = json!({"position": 7, "up_to": 9, "settled": {}, "at": "2026-01-01T00:00:00Z"});
    json!({"message": {
        "subject": "order.reserve-stock.o1", "seq": 5, "time": "2026-01-01T00:00:00.000000001Z",
        "hdrs": STANDARD.encode(headers(draw)), "data": STANDARD.encode(nearly(&note, draw).0)
    }})
}

fn direct(draw: &mut Draw<'_>) -> Vec<Answer> {
    let mut answers: Vec<Answer> = (0..draw.below(3))
        .map(|_| Answer { subject: None, reply: None, headers: Some(headers(draw)), payload: b"{}".to_vec() })
        .collect();
    let end = match draw.below(4) {
        0 => "NATS/1.0 404 Message Not Found\r\n\r\n".to_owned(),
        1 => text("NATS/1.0 204 EOB", draw) + "\r\n\r\n",
        _ => format!("NATS/1.0 204 EOB\r\nNats-Num-Pending: {}\r\nNats-Last-Sequence: 5\r\n\r\n", draw.below(2)),
    };
    answers.push(Answer { subject: None, reply: None, headers: Some(end.into_bytes()), payload: Vec::new() });
    answers
}

fn deliveries(draw: &mut Draw<'_>) -> Vec<Answer> {
    let reply = "$JS.ACK.EVENTS.payment-0.1.77.5.1767225600000000000.3";
    let one = |draw: &mut Draw<'_>| {
        let reply = if draw.once_in(3) { text(reply, draw) } else { reply.to_owned() };
        let headers =
            if draw.once_in(4) { text("NATS/1.0 409 Batch Completed", draw) + "\r\n\r\n" } else { String::new() };
        let headers = if headers.is_empty() { self::headers(draw) } else { headers.into_bytes() };
        let subject =
            if draw.once_in(4) { text("order.reserve-stock.o1", draw) } else { "order.reserve-stock.o1".to_owned() };
        Answer { subject: Some(subject), reply: Some(reply), headers: Some(headers), payload: b"{}".to_vec() }
    };
    (0..draw.below(3) + 1).map(|_| one(draw)).collect()
}

/// Returns the answers to a pull of a message whose headers may be unreadable: the consumer, the stored message, the
/// delivered one.
pub(super) fn stored_and_delivered(draw: &mut Draw<'_>) -> Vec<Vec<Answer>> {
    let headers = headers(draw);
    let subject = "order.cancel-payment.o1";
    let stored = json!({"message": {
        "subject": subject, "seq": 6, "time": "2026-01-01T00:00:00.000000001Z",
        "hdrs": STANDARD.encode(&headers), "data": STANDARD.encode("{}")
    }});
    let plain = |value: &Value| {
        vec![Answer { subject: None, reply: None, headers: None, payload: value.to_string().into_bytes() }]
    };
    let delivered = Answer {
        subject: Some(subject.to_owned()),
        reply: Some("$JS.ACK.EVENTS.payment-0.1.6.4.1767225600000000000.0".to_owned()),
        headers: Some(headers).filter(|headers| !headers.is_empty()),
        payload: b"{}".to_vec(),
    };
    vec![plain(&consumer()), plain(&stored), vec![delivered]]
}
