//! The properties of one message in a story: what it leaves behind, and what comes after it.

use super::bench::Bench;
use super::functions::{Delivery, Function};
use super::happened::{Happened, Outcome};
use super::violation::{Property, Violation};
use super::world::World;

impl Bench<'_> {
    /// Checks what a message has left behind.
    ///
    /// # Errors
    /// It breaks a property.
    pub(super) fn check_outcome(&self, before: &World, after: &World, happened: &Happened) -> Result<(), Violation> {
        let broken = |property, problem: String| Err(Violation::of(property, problem, happened.clone()));
        if let Some(change) = happened.changes.iter().find(|change| change.loses_unknown_field()) {
            let (table, key) = (change.table, &change.key);
            return broken(Property::UnknownFields, format!("the row {key} of {table} loses a field that it had"));
        }
        if let Some(problem) = self.leaves_final(before, after, happened) {
            return broken(Property::Finality, problem);
        }
        match self.ends_silently(after, happened) {
            Some(problem) => broken(Property::SilentEnd, problem),
            None => Ok(()),
        }
    }

    /// Returns how a message moves on a story that has ended.
    fn leaves_final(&self, before: &World, after: &World, happened: &Happened) -> Option<String> {
        let (function, key) = (self.function(happened), &happened.delivery.key);
        let exists = |table: &&str| before.rows.contains_key(&(*table, key.clone()));
        let rows: Vec<_> = self.story_tables(function).into_iter().filter(exists).collect();
        if rows.is_empty() || !rows.iter().all(|table| self.is_final(before, table, key)) {
            return None;
        }
        if let Some(table) = rows.iter().find(|table| !self.is_final(after, table, key)) {
            return Some(format!(
                "the row of {table} was final before {}, and is not final after it",
                function.message
            ));
        }
        let forward = happened.forward()?;
        Some(format!("{} publishes {}, although the story has ended", function.message, forward.name))
    }

    /// Returns how a step ends a story without anybody noticing.
    fn ends_silently(&self, after: &World, happened: &Happened) -> Option<String> {
        let (function, key) = (self.function(happened), &happened.delivery.key);
        let tables = self.story_tables(function);
        let is_checked = function.is_step() && happened.outcome == Outcome::Done;
        if !is_checked || happened.is_published() || tables.is_empty() {
            return None;
        }
        let exists = |table: &&&str| after.rows.contains_key(&(**table, key.clone()));
        let rows: Vec<_> = tables.iter().filter(exists).copied().collect();
        if rows.is_empty() {
            return Some(format!("{} publishes nothing, and leaves no row of {}", function.message, tables.join(", ")));
        }
        let is_changed = |table: &&str| happened.changes.iter().any(|change| change.table == *table);
        let goes_on = |table: &&'static str| self.is_final(after, table, key) || self.is_awaited(table, function);
        if !rows.iter().any(is_changed) || rows.iter().any(goes_on) {
            return None;
        }
        let tables = rows.join(", ");
        Some(format!(
            "{} publishes nothing, and leaves a row of {tables} that is not final and that no other message or command \
             takes, but compensations",
            function.message
        ))
    }

    /// Whether rows of a table wait for another message or command than this function's, compensations aside.
    fn is_awaited(&self, table: &str, than: &Function<'_>) -> bool {
        let others = self.functions.iter().filter(|other| other.message != than.message);
        let mut others = others.filter(|other| !other.is_fallback() && !other.is_compensation());
        others.any(|other| other.tables.contains(&table))
    }

    /// Returns the steps that must do nothing after this: those whose compensation it is, or whose death.
    pub(super) fn steps_after(&self, happened: &Happened) -> Vec<usize> {
        let function = self.function(happened);
        let tables = self.story_tables(function);
        let ends = |step: &Function<'_>| match function.is_compensation() {
            true => step.tables.iter().any(|table| tables.contains(table)),
            false => function.is_fallback() && function.message == step.message && happened.has_effect(),
        };
        let is_key = |step: &Function<'_>| step.sample.key_type == function.sample.key_type;
        let steps = self.functions.iter().enumerate().filter(|(_, step)| step.is_step() && is_key(step) && ends(step));
        steps.map(|(index, _)| index).collect()
    }

    /// Checks that a step does nothing after its compensation or death.
    ///
    /// # Errors
    /// It changes a row, or publishes a step or a scheduled message.
    pub(super) fn check_tombstone(&self, world: &World, last: &Happened, step: &Delivery) -> Result<(), Violation> {
        let mut after = world.clone();
        let story = self.deliver(&mut after, step).map_err(|violation| violation.after(std::slice::from_ref(last)))?;
        let Some(first) = story.first() else { return Ok(()) };
        let name = self.function(first).message;
        let problem = match (first.changes.first(), first.forward()) {
            (Some(change), _) => format!("{name} changes the row of {} all the same", change.table),
            (None, Some(forward)) => format!("{name} publishes {} all the same", forward.name),
            (None, None) => return Ok(()),
        };
        Err(Violation::of(Property::Tombstone, problem, first.clone()).after(std::slice::from_ref(last)))
    }

    /// Checks that a copy of a message that was processed before does nothing.
    ///
    /// # Errors
    /// It changes a row, or publishes something.
    pub(super) fn check_copy(&self, world: &World, copy: &Delivery) -> Result<(), Violation> {
        let mut after = world.clone();
        let story = self.deliver(&mut after, copy)?;
        let Some(first) = story.first().filter(|first| first.has_effect()) else { return Ok(()) };
        let name = self.name(copy);
        let problem = match first.changes.first() {
            Some(change) => format!("a copy of {name} that comes later changes the row of {}", change.table),
            None => format!("a copy of {name} that comes later publishes something again"),
        };
        Err(Violation::of(Property::Idempotence, problem, first.clone()))
    }
}
