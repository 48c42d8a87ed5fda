//! Calls a service's functions on the rows of a story.

use std::any::TypeId;

use super::functions::{Delivery, Function};
use super::happened::{Happened, Outcome};
use super::quiet::quietly;
use super::violation::{Property, Violation};
use super::world::{World, plant};
use crate::declare::call::Reacted;
use crate::declare::choreography::Choreography;
use crate::declare::guarded::guarded;
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;

/// How often a function's rows are loaded: those of the message, and then those that its rows concern.
const LOADS_MAX: usize = 4;

/// A service and its functions.
pub(super) struct Bench<'a> {
    pub(super) service: &'static str,
    pub(super) functions: Vec<Function<'a>>,
    tables: &'a Tables,
}

impl<'a> Bench<'a> {
    pub(super) fn new(service: &'a Choreography) -> Self {
        Self { service: service.service, functions: Function::all(service), tables: &service.tables }
    }

    pub(super) fn function(&self, happened: &Happened) -> &Function<'a> {
        &self.functions[happened.delivery.function]
    }

    pub(super) fn key_type(&self, table: &str) -> Option<TypeId> {
        self.tables.key_type(table)
    }

    /// Whether a row is final.
    pub(super) fn is_final(&self, world: &World, table: &'static str, key: &str) -> bool {
        let row = world.rows.get(&(table, key.to_owned()));
        row.is_some_and(|row| self.tables.is_final(table, row))
    }

    /// Returns the tables of a function whose rows are about its message's story.
    pub(super) fn story_tables(&self, function: &Function<'a>) -> Vec<&'static str> {
        let tables = function.tables.iter().copied();
        tables.filter(|table| function.is_about(self.key_type(table))).collect()
    }

    /// Delivers a message: calls its function, and its fallback if it dies, and then those that waited for a row which
    /// exists now. Returns what happened, one after the other.
    ///
    /// # Errors
    /// A function breaks a property.
    pub(super) fn deliver(&self, world: &mut World, delivery: &Delivery) -> Result<Vec<Happened>, Violation> {
        let mut story = vec![self.deliver_one(world, delivery)?];
        let mut next = 0;
        while let Some(happened) = story.get(next) {
            match world.wake(&happened.changes) {
                Some(woken) => {
                    let woken = self.deliver_one(world, &woken).map_err(|violation| violation.after(&story))?;
                    story.push(woken);
                }
                None => next += 1,
            }
        }
        Ok(story)
    }

    /// Delivers a message alone: what it wakes stays as it is.
    ///
    /// # Errors
    /// Its function breaks a property.
    pub(super) fn deliver_one(&self, world: &mut World, delivery: &Delivery) -> Result<Happened, Violation> {
        let function = &self.functions[delivery.function];
        let mut called = self.call(world, delivery)?;
        match &called.outcome {
            Outcome::Missing(table, key) if !function.is_command() => {
                world.waiting.push((delivery.clone(), (table, key.clone())));
            }
            Outcome::Died(why) if function.is_compensation() || function.is_fallback() => {
                return Err(Violation::of(Property::Survival, why.clone(), called));
            }
            Outcome::Died(_) => {
                if let Some(fallback) = self.fallback(delivery.function) {
                    let after = self.deliver_one(world, &Delivery { function: fallback, ..delivery.clone() })?;
                    (called.changes, called.outgoing) = (after.changes, after.outgoing);
                }
            }
            _ => {}
        }
        Ok(called)
    }

    /// Returns the index of a function's fallback: it comes right after it.
    fn fallback(&self, function: usize) -> Option<usize> {
        let next = self.functions.get(function + 1)?;
        (next.is_fallback() && next.message == self.functions[function].message).then_some(function + 1)
    }

    /// Calls a function, and writes what it changes.
    fn call(&self, world: &mut World, delivery: &Delivery) -> Result<Happened, Violation> {
        let mut newer = delivery.clone();
        plant(&mut newer.payload);
        let (delivery, changes, outgoing) = (delivery.clone(), Vec::new(), Vec::new());
        let is_death = self.functions[newer.function].is_fallback();
        let mut happened = Happened { delivery, is_death, outcome: Outcome::Done, changes, outgoing };
        let input = match self.functions[newer.function].input(&newer) {
            Ok(input) => input,
            Err(why) => return Err(Violation::of(Property::UnknownFields, why, happened)),
        };
        let mut tables = self.tables.emptied();
        let reacted = quietly(|| {
            let function = &self.functions[newer.function];
            for _ in 0..LOADS_MAX {
                guarded(|| function.want(&input, &mut tables))?;
                world.load(&mut tables);
                match guarded(|| function.react(&input, &mut tables))? {
                    Err(Unready::NotLoaded) => {}
                    reacted => return Ok(reacted),
                }
            }
            Err("its rows can't be loaded".to_owned())
        });
        match reacted {
            Err(panic) if panic.contains("is not idempotent") => {
                return Err(Violation::of(Property::Idempotence, panic, happened));
            }
            Err(panic) => happened.outcome = Outcome::Died(panic),
            Ok(Err(Unready::Missing { table, key })) => happened.outcome = Outcome::Missing(table, key),
            Ok(Err(unreadable @ Unready::Unreadable { .. })) => {
                return Err(Violation::of(Property::UnknownFields, unreadable.to_string(), happened));
            }
            Ok(Err(other)) => happened.outcome = Outcome::Died(other.to_string()),
            Ok(Ok(reacted)) => self.settle(world, &tables, reacted, &mut happened),
        }
        Ok(happened)
    }

    fn settle(&self, world: &mut World, tables: &Tables, reacted: Reacted, happened: &mut Happened) {
        if let Some(rejected) = reacted.rejected {
            happened.outcome = Outcome::Rejected(rejected.code);
            return;
        }
        match tables.changes() {
            Ok(changes) => happened.changes = world.write(changes, tables),
            Err(unwritable) => {
                happened.outcome = Outcome::Died(format!("{}: {}", unwritable.table, unwritable.problem));
                return;
            }
        }
        world.published.extend(reacted.outgoing.iter().cloned());
        happened.outgoing = reacted.outgoing;
    }
}
