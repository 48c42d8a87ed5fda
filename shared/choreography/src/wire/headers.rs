//! A message's headers, as one text that copies share.
//!
//! Headers are copied wherever a message goes (into the outbox, into a waiting row, to the publisher) and hardly ever
//! looked at, so they are kept in the form in which they are stored: a line each.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

/// Names with their values, in order. A name may stand there several times.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers(Arc<str>);

impl Headers {
    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    }

    /// Whether some name or value has this text: a glance that is cheaper than looking for a name that is hardly ever there.
    pub(crate) fn mention(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().filter_map(|line| line.split_once(':'))
    }

    /// These headers, and one more at their end.
    #[must_use]
    pub fn with(&self, name: &str, value: impl AsRef<str>) -> Self {
        let mut text = Text::with_capacity(self.0.len() + name.len() + value.as_ref().len() + 2);
        text.0.push_str(&self.0);
        text.push(name, value.as_ref());
        text.into()
    }

    /// How many bytes they are, each with what separates it from the next.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// The text in which they are stored.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a database stores them"))]
    pub(crate) fn text(&self) -> Arc<str> {
        self.0.clone()
    }

    /// Headers from the text in which they were stored.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a database stores them"))]
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.into())
    }
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

/// What the headers of most messages need.
const TYPICAL_BYTES: usize = 640;

/// Headers while they are written.
struct Text(String);

impl Text {
    fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// A line break becomes a blank: on the wire it would be the beginning of another header.
    fn push(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push(':');
        match value.contains(['\n', '\r']) {
            true => self.0.extend(value.chars().map(|letter| if matches!(letter, '\n' | '\r') { ' ' } else { letter })),
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
    fn headers_keep_their_order_and_whatever_a_line_can_hold() {
        let pairs = [("b", "Zoë: \"said\" this\t"), ("a", ""), ("b", "again")];
        let headers = Headers::from(pairs);
        assert_eq!(headers.iter().collect::<Vec<_>>(), pairs);
        assert_eq!((headers.get("b"), headers.get("a"), headers.get("c")), (Some(pairs[0].1), Some(""), None));
        assert_eq!(Headers::from_text(&headers.text()), headers);
    }

    #[test]
    fn a_line_break_can_not_begin_another_header() {
        let headers = Headers::default().with("a", "1\nb:2\r\nc:3");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("a", "1 b:2  c:3")]);
    }

    #[test]
    fn one_more_header_stands_at_the_end_of_a_copy() {
        let headers = Headers::from([("a", "1")]);
        assert_eq!(headers.with("b", "2"), Headers::from([("a", "1"), ("b", "2")]));
        assert_eq!(headers, Headers::from([("a", "1")]));
    }
}
