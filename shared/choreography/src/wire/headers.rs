//! A message's headers, as one text that copies share.
//!
//! Headers are copied wherever a message goes (into the outbox, into a waiting row, to the outbox relay) and rarely
//! read, so they are kept in the form in which they are stored: one line for each header.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

/// Names with their values, in order. A name may have several values.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers(Arc<str>);

impl Headers {
    /// Returns the first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    }

    /// Whether the text of any name or value contains this text: cheaper than a search for a name that is rarely
    /// present.
    pub(crate) fn mention(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    /// Returns the names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().filter_map(|line| line.split_once(':'))
    }

    /// Returns these headers with one more at their end.
    #[must_use]
    pub fn with(&self, name: &str, value: impl AsRef<str>) -> Self {
        let mut text = Text::with_capacity(self.0.len() + name.len() + value.as_ref().len() + 2);
        text.0.push_str(&self.0);
        text.push(name, value.as_ref());
        text.into()
    }

    /// Returns their size in bytes, each header with its separators.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Returns their size as they are sent, in bytes: with a blank and a carriage return more for each.
    pub(crate) fn sent_bytes(&self) -> usize {
        self.0.len() + 2 * self.0.bytes().filter(|byte| *byte == b'\n').count()
    }

    /// Returns the text in which they are stored.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a database stores them"))]
    pub(crate) fn text(&self) -> Arc<str> {
        self.0.clone()
    }

    /// Returns headers from the text in which they were stored.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a database stores them"))]
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.into())
    }
}

/// Whether a text can be the name of a header.
pub(crate) fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

impl Debug for Headers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut text = Text::with_capacity(TYPICAL_BYTES);
        headers.into_iter().for_each(|(name, value)| text.push(name.as_ref(), value.as_ref()));
        text.into()
    }
}

impl<N: AsRef<str>, V: AsRef<str>, const COUNT: usize> From<[(N, V); COUNT]> for Headers {
    fn from(headers: [(N, V); COUNT]) -> Self {
        headers.into_iter().collect()
    }
}

/// The size that is enough for the headers of most messages.
const TYPICAL_BYTES: usize = 640;

/// The text of headers while it is written.
struct Text(String);

impl Text {
    fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Adds a header. A line break becomes a blank: on the wire it would begin another header.
    fn push(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push(':');
        match value.contains(['\n', '\r']) {
            true => self.0.extend(value.chars().map(|char| if matches!(char, '\n' | '\r') { ' ' } else { char })),
            false => self.0.push_str(value),
        }
        self.0.push('\n');
    }
}

impl From<Text> for Headers {
    fn from(text: Text) -> Self {
        Self(text.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_order_and_every_character_of_a_line() {
        let pairs = [("b", "Zoë: \"said\" this\t"), ("a", ""), ("b", "again")];
        let headers = Headers::from(pairs);
        assert_eq!(headers.iter().collect::<Vec<_>>(), pairs);
        assert_eq!((headers.get("b"), headers.get("a"), headers.get("c")), (Some(pairs[0].1), Some(""), None));
        assert_eq!(Headers::from_text(&headers.text()), headers);
    }

    #[test]
    fn a_line_break_cannot_begin_another_header() {
        let headers = Headers::default().with("a", "1\nb:2\r\nc:3");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("a", "1 b:2  c:3")]);
    }

    #[test]
    fn an_added_header_is_at_the_end_of_a_copy() {
        let headers = Headers::from([("a", "1")]);
        assert_eq!(headers.with("b", "2"), Headers::from([("a", "1"), ("b", "2")]));
        assert_eq!(headers, Headers::from([("a", "1")]));
    }
}
