//! Messages on the wire: headers, headings, traces.

use choreography::{Envelope, Headers, Heading, valid_trace};
use uuid::Uuid;

use crate::draw::Draw;
use crate::envelope::envelope;
use crate::target::{Case, Started};
use crate::text::text;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const KEY: &str = "0198c0de-0000-7000-8000-000000000001";

/// Returns a step of order as it is published.
fn example() -> Envelope {
    let moment = |text: &str| text.parse().expect("a moment");
    let heading = Heading {
        id: Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0003),
        source: "order",
        kind: "shop.reserve-stock.v1",
        time: moment("2026-01-01T00:00:00.001Z"),
        subject: KEY,
        correlation: KEY,
        causation: "0198c0de-0000-7000-8000-000000000002",
        expiry: Some(moment("2026-01-01T00:10:00Z")),
        trace: TRACE,
    };
    heading.envelope("reserve-stock", "{}")
}

/// Headers are kept in their order, each on its line.
pub(crate) fn headers() -> Box<dyn Started> {
    let names = ["ce-id", "a", "A", "x-long-name", "b"];
    let pairs = move |draw: &mut Draw<'_>| -> Vec<(String, String)> {
        (0..draw.below(8)).map(|_| ((*draw.one(&names)).to_owned(), text(TRACE, draw))).collect()
    };
    Case::of(pairs, || {
        Box::new(|pairs| {
            let headers: Headers = pairs.iter().map(|(name, value)| (name, value)).collect();
            // A line break would begin another header.
            let written = pairs.iter().map(|(name, value)| (name.clone(), value.replace(['\r', '\n'], " ")));
            let written: Vec<(String, String)> = written.collect();
            let read: Vec<_> = headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(read, written);
            for (name, _) in &written {
                let first = written.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
                assert_eq!(headers.get(name), first);
            }
            assert_eq!(headers.iter().collect::<Headers>(), headers);
            assert_eq!(headers.with("z", "1").iter().last(), Some(("z", "1")));
        })
    })
}

/// A heading that is read is written as it was.
pub(crate) fn heading() -> Box<dyn Started> {
    let example = example();
    Case::of(
        move |draw| envelope(&example, draw),
        || {
            Box::new(|envelope: &Envelope| {
                let Ok(heading) = Heading::read(envelope) else { return };
                let written = heading.envelope("reserve-stock", envelope.payload.clone());
                assert_eq!(Heading::read(&written), Ok(heading));
                let parts = (heading.source, "reserve-stock", heading.subject);
                let is_one_token = !heading.source.contains('.') && !heading.subject.is_empty();
                assert!(!is_one_token || written.parts() == Some(parts), "{written:?}");
            })
        },
    )
}

/// A trace is valid only in the form of the standard.
pub(crate) fn trace() -> Box<dyn Started> {
    Case::of(
        |draw| text(TRACE, draw),
        || {
            Box::new(|trace: &String| {
                let is_plain = |byte: u8| byte == b'-' || byte.is_ascii_digit() || byte.is_ascii_lowercase();
                let is_of_form = trace.len() == TRACE.len() && trace.bytes().all(is_plain);
                assert!(!valid_trace(trace) || is_of_form && !trace.starts_with("ff"));
            })
        },
    )
}
