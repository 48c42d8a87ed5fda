//! A message's headers, as one text that copies share.
//!
//! Headers are copied wherever a message goes (into the outbox, into a waiting row, to the outbox relay) and rarely
//! read, so they are kept in the form in which they are stored: one line for each header.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use memchr::memmem::Finder;
use memchr::{memchr, memchr2};

/// Names with their values, in order. A name may have several values.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers(Arc<str>);

impl Headers {
    /// Returns the first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let [value] = self.get_all([name]);
        value
    }

    /// Returns the first value of each of some names, in one pass.
    pub(crate) fn get_all<const COUNT: usize>(&self, names: [&str; COUNT]) -> [Option<&str>; COUNT] {
        let mut values = [None; COUNT];
        for line in self.lines() {
            for (value, name) in values.iter_mut().zip(names) {
                // The byte behind the name is compared first: it is wrong in nearly all lines.
                if value.is_none() && line.as_bytes().get(name.len()) == Some(&b':') && line.starts_with(name) {
                    *value = Some(&line[name.len() + 1..]);
                }
            }
            if values.iter().all(Option::is_some) {
                break;
            }
        }
        values
    }

    /// Returns each header's line, without its end: the name, a colon, and the value.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (line, after) = match memchr(b'\n', rest.as_bytes()) {
                Some(end) => (&rest[..end], &rest[end + 1..]),
                None => (rest, ""),
            };
            let has_line = !rest.is_empty();
            rest = after;
            has_line.then_some(line)
        })
    }

    /// Whether the text of any name or value contains this text: cheaper than a search for a name that is rarely
    /// present.
    pub(crate) fn mention(&self, text: &Finder<'_>) -> bool {
        text.find(self.0.as_bytes()).is_some()
    }

    /// Returns the names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines().filter_map(|line| {
            let end = memchr(b':', line.as_bytes())?;
            Some((&line[..end], &line[end + 1..]))
        })
    }

    /// Returns these headers with one more at their end.
    #[must_use]
    pub fn with(&self, name: &str, value: impl AsRef<str>) -> Self {
        self.with_all_at(self.0.len(), [(name, value.as_ref())])
    }

    /// Returns these headers with more before the first one whose name comes behind theirs: sorted ones stay sorted.
    #[must_use]
    pub(crate) fn with_sorted<const COUNT: usize>(&self, headers: [(&str, &str); COUNT]) -> Self {
        let last = headers.last().map_or("", |(name, _)| name);
        let before: usize = self.lines().take_while(|line| *line < last).map(|line| line.len() + 1).sum();
        self.with_all_at(before.min(self.0.len()), headers)
    }

    fn with_all_at<const COUNT: usize>(&self, position: usize, headers: [(&str, &str); COUNT]) -> Self {
        let more: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let (before, behind) = self.0.split_at(position);
        let mut text = Text::with_capacity(self.0.len() + more);
        text.0.push_str(before);
        headers.into_iter().for_each(|(name, value)| text.push(name, value));
        text.0.push_str(behind);
        text.into()
    }

    /// Returns these headers sorted by their names.
    pub(crate) fn sorted(&self) -> Self {
        // Most are, and lines are compared in half the time of names and values.
        if self.lines().is_sorted_by(|line, next| is_before(line, next)) {
            return self.clone();
        }
        let mut headers: Vec<_> = self.iter().collect();
        headers.sort();
        headers.into_iter().collect()
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

/// Whether a header's line comes before another one's: where they begin to differ, either is still within the name, or
/// both have the same name.
fn is_before(line: &str, other: &str) -> bool {
    let differ = line.bytes().zip(other.bytes()).find(|(byte, other)| byte != other);
    match differ {
        Some((b':', _)) => true,
        Some((_, b':')) => false,
        Some((byte, other)) => byte < other,
        None => line.len() <= other.len(),
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
        match memchr2(b'\n', b'\r', value.as_bytes()).is_some() {
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
        let pairs = [("b", "Zoë: \"said\" this c:\t"), ("a", ""), ("b", "again"), ("cc", "a:"), ("c", "last")];
        let headers = Headers::from(pairs);
        assert_eq!(headers.iter().collect::<Vec<_>>(), pairs);
        let found = ["b", "a", "cc", "c", "d", "last"].map(|name| headers.get(name));
        assert_eq!(found, [Some(pairs[0].1), Some(""), Some("a:"), Some("last"), None, None]);
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

    #[test]
    fn sorted_headers_stay_sorted_when_more_are_added_in_their_order() {
        let headers = Headers::from([("a", "1"), ("d", "2")]);
        for (names, expected) in [(["b", "c"], "abcd"), (["e", "f"], "adef"), (["0", "1"], "01ad")] {
            let more = headers.with_sorted(names.map(|name| (name, "")));
            assert_eq!(more.iter().map(|(name, _)| name).collect::<String>(), expected);
            assert_eq!(more.sorted(), more);
        }
        assert_eq!(Headers::from([("d", "2"), ("a", "1")]).sorted(), headers);
        assert_eq!(Headers::default().with_sorted([("a", "1"), ("d", "2")]), headers);
    }
}
