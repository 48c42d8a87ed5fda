//! Reads headers as a server has stored them, also those that are against the protocol.
//!
//! What must hold: [`RawHeaders::problem`] is set for all headers that async-nats can't read. It gives up the connection
//! when they arrive.

use async_nats::{HeaderName, HeaderValue};

use super::protocol::{PAYLOAD_LEFT_OUT, SERVER_HEADERS};
use crate::wire::headers::Headers;

/// What the text of headers begins with.
const VERSION: &str = "NATS/1.0";

/// How many characters of an unreadable line are quoted.
const QUOTED_CHARS_MAX: usize = 40;

/// Headers as far as they can be read, sorted and without those that the server adds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawHeaders {
    pub(super) headers: Headers,
    /// The first thing that can't be read, if there is one.
    pub(super) problem: Option<String>,
}

impl RawHeaders {
    /// Reads the text of headers; an empty text has none.
    pub(super) fn read(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let mut problem = std::str::from_utf8(raw).err().map(|error| format!("the headers are not UTF-8: {error}"));
        let mut note = |what: &str, line: &str| {
            let quoted: String = line.chars().take(QUOTED_CHARS_MAX).collect();
            problem.get_or_insert_with(|| format!("{what}: {quoted:?}"));
        };
        let mut lines = text.lines().peekable();
        if let Some(first) = lines.next().filter(|first| first.trim_end() != VERSION) {
            note("the first line of the headers is not NATS/1.0", first);
        }
        let mut headers = Vec::new();
        while let Some(line) = lines.next() {
            if line.is_empty() {
                continue;
            }
            let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.parse::<HeaderName>().is_ok())
            else {
                note("a line of the headers is not a name, a colon and a value", line);
                continue;
            };
            let mut value = value.trim_start().to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with(char::is_whitespace)) {
                value.push_str(more);
            }
            if value.trim_end().parse::<HeaderValue>().is_err() {
                note("a header has a carriage return in its value", line);
            }
            if name == PAYLOAD_LEFT_OUT {
                note("a header that only the server may add", line);
            }
            headers.push((name, value.trim_end().to_owned()));
        }
        headers.retain(|(name, _)| !name.starts_with(SERVER_HEADERS));
        headers.sort_unstable();
        Self { headers: headers.into_iter().collect(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Vec<(String, String)>, Option<String>) {
        let RawHeaders { headers, problem } = RawHeaders::read(text);
        (headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), problem)
    }

    #[test]
    fn proper_headers_are_read_as_the_client_reads_them() {
        let (headers, problem) = read(b"NATS/1.0\r\nce-id: 7 \r\nNats-Sequence: 1\r\na:1\r\n\tmore\r\nempty:\r\n\r\n");
        let wanted = [("a", "1\tmore"), ("ce-id", "7"), ("empty", "")];
        assert_eq!(headers, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(problem, None);
        assert_eq!(read(b""), (vec![], None));
    }

    #[test]
    fn the_first_problem_is_noted_and_the_rest_is_read() {
        for (text, wanted) in [
            (&b"NATS/1.0\r\nno colon\r\nce-id: 7\r\n\r\n"[..], "not a name, a colon and a value: \"no colon\""),
            (b"NATS/1.0\r\na b: 1\r\nce-id: 7\r\n\r\n", "not a name, a colon and a value: \"a b: 1\""),
            (b"NATS/1.0\r\na: \xff\r\nce-id: 7\r\n\r\n", "not UTF-8"),
            (b"NATS/1.0 503\r\nce-id: 7\r\n\r\n", "first line of the headers is not NATS/1.0: \"NATS/1.0 503\""),
            (b"HTTP/1.1\r\nce-id: 7\r\n\r\n", "first line"),
            (b"NATS/1.0\r\na: 1\r2\r\nce-id: 7\r\n\r\n", "carriage return in its value: \"a: 1\\r2\""),
            (b"NATS/1.0\r\na: 1\r\n 2\r3\r\nce-id: 7\r\n\r\n", "carriage return"),
        ] {
            let (headers, problem) = read(text);
            assert!(headers.contains(&("ce-id".to_owned(), "7".to_owned())), "{headers:?}");
            assert!(problem.as_ref().is_some_and(|problem| problem.contains(wanted)), "{wanted}: {problem:?}");
        }
        let long = format!("NATS/1.0\r\n{}\r\n\r\n", "x".repeat(40_000));
        assert!(read(long.as_bytes()).1.is_some_and(|problem| problem.len() < 200));
    }
}
