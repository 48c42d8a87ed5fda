//! Refuses what a test hands in about messages that no story has: it would be ignored.

use std::collections::BTreeSet;

use super::bench::Bench;
use super::functions::Function;
use super::own::Race;

impl Bench<'_> {
    /// Checks that messages, which a method of [`Properties`](super::Properties) is about, are in stories.
    ///
    /// # Panics
    /// No function takes one of them.
    pub(super) fn check_known<'m>(&self, method: &str, messages: impl Iterator<Item = &'m &'static str>) {
        let taken: BTreeSet<_> = self.functions.iter().map(|function| function.message).collect();
        let unknown: BTreeSet<_> = messages.copied().filter(|message| !taken.contains(message)).collect();
        let Some(unknown) = unknown.first() else { return };
        let taken = match taken.is_empty() {
            true => "none".to_owned(),
            false => Vec::from_iter(taken).join(", "),
        };
        panic!(
            "`Properties::{method}` is about {unknown}, but no reaction or command handler of {} takes it: those take \
             {taken}",
            self.service
        );
    }

    /// Checks that the messages of a race may come in both orders.
    ///
    /// # Panics
    /// They never do.
    pub(super) fn check_possible(&self, race: &Race) {
        let [one, other] = race.messages;
        let of = |message: &'static str| self.functions.iter().filter(move |function| function.message == message);
        let mut reasons = of(one).flat_map(|one| of(other).map(|other: &Function<'_>| one.cannot_race(other)));
        if let Some(reason) = reasons.next().flatten()
            && reasons.all(|reason| reason.is_some())
        {
            panic!("`Properties::race` of {} is about {one} and {other}, but {reason}", self.service);
        }
    }
}
