//! A story as a test's failure shows it.

use std::fmt::Write as _;
use std::sync::Arc;

use super::bench::Bench;
use super::happened::{Happened, Outcome};
use super::violation::Violation;
use super::world::without_unknown_field;
use crate::declare::message::Due;

impl Bench<'_> {
    /// Returns what is wrong, how it came about, and what to do.
    pub(super) fn report(&self, violation: &Violation) -> String {
        let Violation { property, problem, branches } = violation;
        let mut text = format!("{} breaks a property: {}\n", self.service, property.sentence());
        let _ = writeln!(text, "{problem}\n");
        for (index, branch) in branches.iter().enumerate() {
            let title = if index == 0 { "the story" } else { "the same in the other order" };
            let _ = writeln!(text, "{title}:");
            branch.iter().enumerate().for_each(|(index, happened)| self.show(&mut text, index + 1, happened));
        }
        let _ = write!(text, "\nwhat to do: {}", property.advice());
        text
    }

    fn show(&self, text: &mut String, number: usize, happened: &Happened) {
        let (delivery, function) = (&happened.delivery, self.function(happened));
        let _ = match function.is_fallback() {
            true => writeln!(text, "  {number}. {} of {}", self.name(delivery), delivery.key),
            false => writeln!(text, "  {number}. {} {}", self.name(delivery), delivery.payload),
        };
        let _ = match &happened.outcome {
            Outcome::Done if happened.has_effect() => Ok(()),
            Outcome::Done => writeln!(text, "       does nothing"),
            Outcome::Missing(table, key) if function.is_command() => {
                writeln!(text, "       is refused: there is no row {key} of {table}")
            }
            Outcome::Missing(table, key) => writeln!(text, "       waits for the row {key} of {table}"),
            Outcome::Rejected(code) => writeln!(text, "       is rejected: {code}"),
            Outcome::Died(why) => writeln!(text, "       dies: {why}"),
        };
        for change in &happened.changes {
            let state = |state: &Option<Arc<str>>| match state {
                Some(state) => without_unknown_field(state).to_string(),
                None => "no row".to_owned(),
            };
            let (before, after) = (state(&change.before), state(&change.after));
            let _ = writeln!(text, "       {}: {before}", change.table);
            let _ = writeln!(text, "       {:>1$} {after}", "->", change.table.len() + 1);
        }
        for message in &happened.outgoing {
            let does = match message.due {
                None => "publishes",
                Some(Due::Cancelled) => "cancels",
                Some(_) => "schedules",
            };
            let _ = writeln!(text, "       {does} {} {}", message.name, message.payload);
        }
    }
}
