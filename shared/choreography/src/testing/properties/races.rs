//! The property of two messages of one story: they may come in any order.

use std::collections::BTreeSet;

use super::bench::Bench;
use super::functions::Delivery;
use super::happened::Happened;
use super::own::Race;
use super::violation::{Property, Violation};
use super::world::World;

/// One order of two messages: the rows that it ends with, and what happened.
type Ending = (World, Vec<Happened>);

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
        races: &[Race],
    ) -> Result<(), Violation> {
        let functions = [one, other].map(|delivery| &self.functions[delivery.function]);
        let [a, b] = functions;
        if a.is_intake
            || b.is_intake
            || a.message == b.message
            || a.sample.key_type != b.sample.key_type
            || one.key != other.key
        {
            return Ok(());
        }
        let own = races.iter().find(|race| race.is_between(a.message, b.message));
        let tables: BTreeSet<_> = functions.iter().flat_map(|function| self.story_tables(function)).collect();
        let tables: Vec<_> = tables.into_iter().collect();
        let endings = [self.in_order(world, [one, other])?, self.in_order(world, [other, one])?];
        let problem = match own {
            Some(race) => endings.iter().find_map(|(after, story)| race.problem(self, world, after, story)),
            None => {
                self.disagreement(world, &endings, &tables, &one.key, functions.iter().any(|f| f.is_compensation()))
            }
        };
        let Some(problem) = problem else { return Ok(()) };
        let property = Property::Race(self.name(one), self.name(other));
        Err(Violation { property, problem, branches: endings.map(|(_, story)| story).into() })
    }

    fn in_order(&self, world: &World, deliveries: [&Delivery; 2]) -> Result<Ending, Violation> {
        let mut after = world.clone();
        let mut story = Vec::new();
        for delivery in deliveries {
            let happened = self.deliver(&mut after, delivery).map_err(|violation| violation.after(&story))?;
            story.extend(happened);
        }
        Ok((after, story))
    }

    /// Returns what is wrong with two endings: they differ, and none of them waits. After a compensation all rows must be
    /// final then; else each must be final or wait for a message or command.
    fn disagreement(
        &self,
        before: &World,
        endings: &[Ending; 2],
        tables: &[&'static str],
        key: &str,
        is_compensated: bool,
    ) -> Option<String> {
        let rows = |world: &World| {
            let rows = tables.iter().map(|table| world.rows.get(&(*table, key.to_owned())));
            rows.map(|row| row.map(|row| row.state.clone())).collect::<Vec<_>>()
        };
        let [(one, _), (other, _)] = endings;
        let waits = endings.iter().any(|(after, _)| after.waiting.len() > before.waiting.len());
        if waits || rows(one) == rows(other) {
            return None;
        }
        let settled = |(world, _): &Ending| self.is_settled(world, tables, key, is_compensated);
        if endings.iter().all(settled) {
            return None;
        }
        Some(match is_compensated {
            true => "the orders end differently, and one of them does not leave the rows final".to_owned(),
            false => "the orders end differently, and one of them leaves a row that waits for nothing".to_owned(),
        })
    }

    /// Returns a message's name, and whether it has died.
    pub(super) fn name(&self, delivery: &Delivery) -> String {
        let function = &self.functions[delivery.function];
        if function.is_fallback() { format!("the death of {}", function.message) } else { function.message.to_owned() }
    }
}
