//! The choices that a value is drawn from, and the candidates for its fields.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::de::value::Error;

use super::candidates::groups;

/// How deep values are nested in each other before optional ones are left out: a type may contain itself.
pub(super) const DEPTH_MAX: usize = 8;
/// What numbers are. Small, as messages from the outside are checked where they come in; what else matters is an example.
const NUMBERS: [i8; 7] = [1, 2, 3, 5, 10, 100, 0];
/// How many elements lists have.
const LENGTHS: [usize; 3] = [1, 2, 0];

/// What is refused of a field whose name is refused.
const WHOLE_FIELD: &str = "the whole field";

/// Candidates that a type has refused, by the path of the field: they are not drawn again.
pub(crate) type Refused = BTreeSet<(String, String)>;

/// Draws values from choices.
pub(crate) struct Drawing<'a> {
    message: &'static str,
    choices: &'a [u8],
    pub(super) next: usize,
    pub(super) refused: &'a mut Refused,
    /// The message in its version, and the names of the fields that lead to the current one.
    pub(super) path: Vec<Cow<'static, str>>,
    pub(super) depth: usize,
    /// The candidate that was drawn last: if the type reports an error, it has refused this one.
    pub(super) last: Option<(String, String)>,
}

impl<'a> Drawing<'a> {
    /// Returns a drawing of a message. Where the choices end, further ones are zero.
    pub(crate) fn new(message: &'static str, choices: &'a [u8], refused: &'a mut Refused) -> Self {
        Self { message, choices, next: 0, refused, path: Vec::new(), depth: 0, last: None }
    }

    /// Begins a payload of a version. Versions refuse candidates each for itself.
    pub(super) fn begin(&mut self, version: u32) {
        self.path = vec![format!("{}.v{version}", self.message).into()];
    }

    /// Returns one of `count` alternatives.
    pub(crate) fn choose(&mut self, count: usize) -> usize {
        let choice = self.choices.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        usize::from(choice) % count.max(1)
    }

    /// Enters a field. Returns whether it is drawn: not one that its type has refused before, as another name of a field
    /// that it has already (`#[serde(alias)]`).
    pub(super) fn enter(&mut self, field: &'static str) -> bool {
        self.path.push(field.into());
        let whole = (self.path.join("/"), WHOLE_FIELD.to_owned());
        let is_drawn = !self.refused.contains(&whole);
        self.last = Some(whole);
        is_drawn
    }

    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// Draws one of the candidates that are not refused, from the first group that has some.
    fn candidate(&mut self, groups: Vec<Vec<String>>) -> Result<String, Error> {
        let path = self.path.join("/");
        let taken = |text: &String| !self.refused.contains(&(path.clone(), text.clone()));
        let groups = groups.into_iter().map(|group| group.into_iter().filter(taken).collect::<Vec<_>>());
        let group = groups.into_iter().find(|group| !group.is_empty());
        let Some(mut group) = group else {
            self.last = None;
            return Err(Error::custom(format!("no candidate fits {path}")));
        };
        let text = group.swap_remove(self.choose(group.len()));
        self.last = Some((path, text.clone()));
        Ok(text)
    }

    pub(super) fn number(&mut self) -> Result<i8, Error> {
        let numbers = NUMBERS.iter().map(i8::to_string).collect();
        self.candidate(vec![numbers])?.parse().map_err(Error::custom)
    }

    pub(super) fn text(&mut self) -> Result<String, Error> {
        self.candidate(groups(&self.path.last().cloned().unwrap_or_default()))
    }

    pub(super) fn length(&mut self) -> usize {
        if self.depth > DEPTH_MAX { 0 } else { LENGTHS[self.choose(LENGTHS.len())] }
    }

    pub(super) fn hidden(&mut self) -> Error {
        self.last = None; // it is not the fault of a candidate
        let path = self.path.join("/");
        Error::custom(format!("{path} does not say which fields it has (`flatten`, `untagged` or the like)"))
    }
}
