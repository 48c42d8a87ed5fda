//! The property of two messages of one story: they may come in any order, and what the service says about itself holds
//! after each.

use std::collections::BTreeSet;

use super::bench::Bench;
use super::functions::Delivery;
use super::happened::Happened;
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
        let Some(first) = self.in_order(world, [one, other], own)? else { return Ok(()) };
        let Some(second) = self.in_order(world, [other, one], own)? else { return Ok(()) };
        let endings = [first, second];
        let problem = match own.races.iter().find(|race| race.is_between(a.message, b.message)) {
            Some(race) => endings.iter().find_map(|ending| {
                let happened = &ending.story[ending.second..];
                let message = happened.first().map_or("", |second| self.function(second).message);
                race.problem(&Moment { before: world, after: &ending.after, message, happened })
            }),
            None => {
                let tables: BTreeSet<_> = functions.iter().flat_map(|function| self.story_tables(function)).collect();
                let tables: Vec<_> = tables.into_iter().collect();
                self.disagreement(world, &endings, &tables, &one.key, functions.iter().any(|f| f.is_compensation()))
            }
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
        let rows = |ending: &Ending| {
            let rows = tables.iter().map(|table| ending.after.rows.get(&(*table, key.to_owned())));
            rows.map(|row| row.map(|row| row.state.clone())).collect::<Vec<_>>()
        };
        let [one, other] = endings;
        let waits = endings.iter().any(|ending| ending.after.waiting.len() > before.waiting.len());
        if waits || rows(one) == rows(other) {
            return None;
        }
        if endings.iter().all(|ending| self.is_settled(&ending.after, tables, key, is_compensated)) {
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
