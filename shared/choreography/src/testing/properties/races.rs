//! The property of two messages of one story: they may come in any order, and what the service says about itself holds
//! after each.

use std::collections::BTreeSet;

use super::bench::Bench;
use super::functions::Delivery;
use super::happened::{Happened, Outcome};
use super::moment::Moment;
use super::own::Own;
use super::violation::{Property, Violation};
use super::world::World;

/// One order of two messages.
struct Ending {
    /// The rows that it ends with.
    after: World,
    story: Vec<Happened>,
    /// Where in the story the second message comes.
    second: usize,
}

/// Returns messages and commands that may come next in a state of the service.
pub(super) type Next<'a> = &'a dyn Fn(&World) -> Vec<Delivery>;

impl Bench<'_> {
    /// Checks that two messages end well in both orders.
    ///
    /// # Errors
    /// They don't, or one of them breaks a property by itself.
    pub(super) fn check_race(
        &self,
        world: &World,
        one: &Delivery,
        other: &Delivery,
        own: &Own,
        next: Next<'_>,
    ) -> Result<(), Violation> {
        let functions = [one, other].map(|delivery| &self.functions[delivery.function]);
        let [a, b] = functions;
        if a.cannot_race(b).is_some() || one.key != other.key {
            return Ok(());
        }
        let Some(first) = self.in_order(world, [one, other], own)? else { return Ok(()) };
        let Some(second) = self.in_order(world, [other, one], own)? else { return Ok(()) };
        let endings = [first, second];
        let problem = match own.races.iter().find(|race| race.is_between(a.message, b.message)) {
            Some(race) => endings.iter().find_map(|ending| {
                let happened = &ending.story[ending.second..];
                let message = happened.first().map_or("", |second| self.function(second).message);
                race.problem(&Moment { before: world, after: &ending.after, message, happened })
            }),
            None => self.disagreement(&endings, [one, other], next),
        };
        let Some(problem) = problem else { return Ok(()) };
        let property = Property::Race(self.name(one), self.name(other));
        Err(Violation { property, problem, branches: endings.map(|ending| ending.story).into() })
    }

    /// Delivers two messages. Returns none if nobody sends one of them at its moment.
    fn in_order(&self, world: &World, deliveries: [&Delivery; 2], own: &Own) -> Result<Option<Ending>, Violation> {
        let mut ending = Ending { after: world.clone(), story: Vec::new(), second: 0 };
        for delivery in deliveries {
            let (before, message) = (ending.after.clone(), self.functions[delivery.function].message);
            if own.excludes(&delivery.payload, &Moment { before: &before, after: &before, message, happened: &[] }) {
                return Ok(None);
            }
            let happened = self.deliver(&mut ending.after, delivery);
            let checked = happened.and_then(|happened| {
                own.check_invariants(&Moment { before: &before, after: &ending.after, message, happened: &happened })?;
                Ok(happened)
            });
            ending.second = ending.story.len();
            ending.story.extend(checked.map_err(|violation| violation.after(&ending.story))?);
        }
        Ok(Some(ending))
    }

    /// Returns what is wrong with two endings: they differ, and neither message lacks a row. After a compensation all rows
    /// must be final then; else each must be final or wait for a message or command.
    fn disagreement(&self, endings: &[Ending; 2], race: [&Delivery; 2], next: Next<'_>) -> Option<String> {
        let functions = race.map(|delivery| &self.functions[delivery.function]);
        let tables: BTreeSet<_> = functions.iter().flat_map(|function| self.story_tables(function)).collect();
        let key = race[0].key.as_str();
        let state =
            |ending: &Ending, table| ending.after.rows.get(&(table, key.to_owned())).map(|row| row.state.clone());
        let [one, other] = endings;
        let is_alike = tables.iter().all(|table| state(one, *table) == state(other, *table));
        if is_alike || endings.iter().any(|ending| ending.lacks_row(race)) {
            return None;
        }
        let is_compensated = functions.iter().any(|function| function.is_compensation());
        let has_end = |ending: &Ending, table: &'static str| {
            state(ending, table).is_none()
                || self.is_final(&ending.after, table, key)
                || !is_compensated && self.is_awaited_after(ending, (table, key), race, next)
        };
        if endings.iter().all(|ending| tables.iter().all(|table| has_end(ending, table))) {
            return None;
        }
        let problem = match is_compensated {
            true => "does not leave the rows final",
            false => "leaves a row that is not final and waits for no third message and no command, but compensations",
        };
        Some(format!("the orders end differently, and one of them {problem}"))
    }

    /// Whether a row waits for something after a race: a message or command that takes it would do something, or waits for
    /// another row itself. Neither message of the race comes again, but a command may.
    fn is_awaited_after(
        &self,
        ending: &Ending,
        (table, key): (&'static str, &str),
        race: [&Delivery; 2],
        next: Next<'_>,
    ) -> bool {
        next(&ending.after).iter().any(|delivery| {
            let function = &self.functions[delivery.function];
            let comes = function.is_command()
                || race.iter().all(|raced| self.functions[raced.function].message != function.message);
            let is_other_story = function.is_about(self.key_type(table)) && delivery.key != key;
            if !comes || is_other_story || !function.tables.contains(&table) {
                return false;
            }
            let happened = self.deliver_one(&mut ending.after.clone(), delivery);
            happened.is_ok_and(|happened| match &happened.outcome {
                Outcome::Done => happened.has_effect(),
                Outcome::Missing(missing, of) => (*missing, of.as_str()) != (table, key),
                Outcome::Rejected(_) | Outcome::Died(_) => false,
            })
        })
    }

    /// Returns a message's name, and whether it has died.
    pub(super) fn name(&self, delivery: &Delivery) -> String {
        let function = &self.functions[delivery.function];
        if function.is_fallback() { format!("the death of {}", function.message) } else { function.message.to_owned() }
    }
}

impl Ending {
    /// Whether one of these messages waits for a row at the end, or was refused for want of one.
    fn lacks_row(&self, race: [&Delivery; 2]) -> bool {
        race.iter().any(|raced| {
            let last = self.story.iter().rev().find(|happened| happened.delivery.id == raced.id);
            last.is_some_and(|last| matches!(last.outcome, Outcome::Missing(..)))
        })
    }
}
