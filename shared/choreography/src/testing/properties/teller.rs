//! Tells stories: draws messages, delivers them one after the other, and checks all properties after each.

use std::cell::RefCell;

use hashbrown::HashMap;
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::Value;
use uuid::Uuid;

use super::bench::Bench;
use super::functions::Delivery;
use super::happened::Happened;
use super::messages::{Messages, Remembered};
use super::moment::Moment;
use super::own::Own;
use super::violation::Violation;
use super::world::World;
use crate::Choreography;
use crate::clock::SplitMix64;
use crate::wire::ids::derived_id;

/// The longest story, in messages: each of a service's functions may be called a few times.
const MESSAGES_MAX: usize = 14;
/// The largest number of choices that a message is drawn from; further ones are zero.
const CHOICES_MAX: usize = 32;
/// How many messages of each function are tried to find out whether a row waits for one.
const COMING: usize = 24;
/// How often a function is chosen, for one time that its fallback is.
const LIVES: usize = 3;
/// How long the shortest story is looked for, in stories.
const SHRINKS_MAX: u32 = 3_000;
/// When stories begin: 2026-01-01.
const BEGINNING: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// What to do if stories do not get far enough.
const MORE: &str =
    "hand in a message that leads there, by `Properties::example`, or tell more stories, by `Properties::cases`";

/// One message of a story.
#[derive(Debug, Clone)]
struct Action {
    function: usize,
    story: usize,
    choices: Vec<u8>,
}

/// Tells stories about a service.
pub(super) struct Teller<'a> {
    bench: Bench<'a>,
    messages: Messages,
    own: Own,
    /// Whether each function has done anything in some story.
    has_effect: RefCell<Vec<bool>>,
}

impl<'a> Teller<'a> {
    /// # Panics
    /// If a test hands in something about messages that no function of the service takes.
    pub(super) fn new(service: &'a Choreography, examples: HashMap<&'static str, Vec<Value>>, own: Own) -> Self {
        let bench = Bench::new(service);
        bench.check_known("example", examples.keys());
        bench.check_known("excludes", own.excluded.iter().map(|excluded| &excluded.message));
        bench.check_known("race", own.races.iter().flat_map(|race| &race.messages));
        own.races.iter().for_each(|race| bench.check_possible(race));
        let messages = Messages::of(&bench.functions, examples);
        let has_effect = RefCell::new(vec![false; bench.functions.len()]);
        Self { bench, messages, own, has_effect }
    }

    /// Tells this many stories.
    ///
    /// # Panics
    /// If the service breaks a property, or if some reaction did nothing in all stories.
    pub(super) fn check(&self, cases: u32, seed: u64) {
        if self.bench.functions.is_empty() {
            return;
        }
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let (failure_persistence, max_shrink_iters) = (None, SHRINKS_MAX);
        let config = Config { cases, failure_persistence, max_shrink_iters, ..Config::default() };
        let tell =
            |actions: Vec<Action>| self.tell(&actions).map_err(|violation| TestCaseError::fail(violation.problem));
        match TestRunner::new_with_rng(config, rng).run(&self.stories(), tell) {
            Ok(()) => self.check_effects(),
            Err(TestError::Fail(_, actions)) => match self.tell(&actions) {
                Err(violation) => panic!("{}", self.bench.report(&violation)),
                Ok(()) => {
                    panic!("a story of {} does not end in the same way each time: {actions:?}", self.bench.service)
                }
            },
            Err(TestError::Abort(why)) => panic!("no stories can be told about {}: {why}", self.bench.service),
        }
    }

    fn stories(&self) -> impl Strategy<Value = Vec<Action>> + use<> {
        let functions = self.bench.functions.iter().enumerate();
        let functions = functions
            .flat_map(|(index, function)| std::iter::repeat_n(index, if function.is_fallback() { 1 } else { LIVES }));
        let functions: Vec<_> = functions.collect();
        let story = prop_oneof![5 => Just(0), 1 => Just(1)];
        let action = (0..functions.len(), story, vec(any::<u8>(), 0..=CHOICES_MAX));
        let action =
            action.prop_map(move |(index, story, choices)| Action { function: functions[index], story, choices });
        vec(action, 1..=MESSAGES_MAX)
    }

    /// Tells one story.
    ///
    /// # Errors
    /// The service breaks a property.
    fn tell(&self, actions: &[Action]) -> Result<(), Violation> {
        let (mut world, mut remembered) = (World::default(), Remembered::default());
        let mut told = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            let Some(delivery) = self.draw(action, (index, index), &world, &remembered) else { continue };
            if self.is_too_late(&delivery, &told) {
                continue;
            }
            let next = actions.get(index + 1);
            let next = next.and_then(|next| self.draw(next, (index + 1, index), &world, &remembered));
            if let Some(next) = &next {
                let coming = |world: &World| self.coming(action.story, world, &remembered);
                let race = self.bench.check_race(&world, &delivery, next, &self.own, &coming);
                race.map_err(|violation| violation.after(&told))?;
            }
            let before = world.clone();
            let happened = self.bench.deliver(&mut world, &delivery);
            let happened = happened.map_err(|violation| violation.after(&told))?;
            remembered.note(&delivery.payload);
            let message = self.bench.functions[delivery.function].message;
            let moment = Moment { before: &before, after: &world, message, happened: &happened };
            self.note_effects(&happened);
            self.own.note_goals(&moment);
            let checked = self.check_moment(&moment).and_then(|()| self.check_tombstones(&moment, action, &remembered));
            checked.map_err(|violation| violation.after(&told))?;
            happened.iter().flat_map(|happened| &happened.outgoing).for_each(|message| {
                remembered.note(&serde_json::from_str(&message.payload).unwrap_or_default());
            });
            told.extend(happened);
            self.check_copies(&world, &told, index)?;
        }
        Ok(())
    }

    /// Draws the message of an action: the one of this number, as it comes in at a place of the story.
    fn draw(
        &self,
        action: &Action,
        (message, place): (usize, usize),
        world: &World,
        remembered: &Remembered,
    ) -> Option<Delivery> {
        let function = &self.bench.functions[action.function];
        let (payload, key) = self.messages.draw(function, action.story, &action.choices, remembered)?;
        let moment = Moment { before: world, after: world, message: function.message, happened: &[] };
        if self.own.excludes(&payload, &moment) {
            return None;
        }
        let id = derived_id(Uuid::nil(), &format!("message {message}"));
        Some(Delivery { function: action.function, payload, key, id, now: time_of(place) })
    }

    /// Draws messages and commands that may come next in a story: several for each function. What begins a story, and
    /// compensations, are not among them.
    fn coming(&self, story: usize, world: &World, remembered: &Remembered) -> Vec<Delivery> {
        let mut random = SplitMix64::new(0);
        // After the choices that are drawn, all are zero: then the message agrees with what was said before.
        let choices: Vec<Vec<u8>> =
            (0..COMING).map(|count| (0..count).map(|_| random.next() as u8).collect()).collect();
        let functions = self.bench.functions.iter().enumerate();
        let functions = functions
            .filter(|(_, function)| !function.is_fallback() && !function.is_compensation() && !function.is_intake);
        let drawn = functions.flat_map(|(function, _)| {
            choices.iter().map(move |choices| Action { function, story, choices: choices.clone() })
        });
        drawn.filter_map(|action| self.draw(&action, (MESSAGES_MAX, MESSAGES_MAX), world, remembered)).collect()
    }

    /// Whether a message begins a story which another one has begun already.
    fn is_too_late(&self, delivery: &Delivery, told: &[Happened]) -> bool {
        let function = &self.bench.functions[delivery.function];
        let begun = told.iter().find(|before| before.delivery.key == delivery.key && !before.changes.is_empty());
        function.is_intake && begun.is_some_and(|before| !self.bench.function(before).is_intake)
    }

    fn note_effects(&self, happened: &[Happened]) {
        for happened in happened {
            self.has_effect.borrow_mut()[happened.delivery.function] |= happened.has_effect();
        }
    }

    /// Checks what a message has left behind.
    fn check_moment(&self, moment: &Moment<'_>) -> Result<(), Violation> {
        // What a message has woken is checked where it comes by itself.
        if let [alone] = moment.happened {
            self.bench.check_outcome(moment.before, moment.after, alone)?;
        }
        self.own.check_invariants(moment)
    }

    /// Checks that a copy of any message that has changed a row does nothing, however late it comes. (A refused step has
    /// left everything as it was: a copy may find what the first one lacked.)
    fn check_copies(&self, world: &World, told: &[Happened], place: usize) -> Result<(), Violation> {
        let copied =
            told.iter().filter(|happened| !happened.changes.is_empty() && self.bench.function(happened).is_received());
        for happened in copied {
            let copy = Delivery { now: time_of(place + 1), ..happened.delivery.clone() };
            self.bench.check_copy(world, &copy).map_err(|violation| violation.after(told))?;
        }
        Ok(())
    }

    /// Checks that steps do nothing after their compensation or death.
    fn check_tombstones(&self, moment: &Moment<'_>, last: &Action, remembered: &Remembered) -> Result<(), Violation> {
        let Some(first) = moment.happened.first() else { return Ok(()) };
        for function in self.bench.steps_after(first) {
            let action = Action { function, story: last.story, choices: Vec::new() };
            let step = self.draw(&action, (MESSAGES_MAX, MESSAGES_MAX), moment.after, remembered);
            let Some(step) = step.filter(|step| step.key == first.delivery.key) else { continue };
            self.bench.check_tombstone(moment.after, first, &step)?;
        }
        Ok(())
    }

    /// A property that was checked on stories in which nothing happens says nothing.
    fn check_effects(&self) {
        let has_effect = self.has_effect.borrow();
        let functions = self.bench.functions.iter().zip(has_effect.iter());
        let idle = functions.filter(|(function, did)| !**did && !function.is_fallback() && !function.is_command());
        let idle: Vec<_> = idle.map(|(function, _)| function.message).collect();
        let service = self.bench.service;
        assert!(idle.is_empty(), "{service}: nothing follows from {} in any story: {MORE}", idle.join(", "));
        let missed = self.own.missed();
        assert!(missed.is_empty(), "{service}: no story reaches this: {}: {MORE}", missed.join(", "));
    }
}

/// Returns when the message at a place of a story comes.
fn time_of(place: usize) -> Timestamp {
    BEGINNING + SignedDuration::from_secs(i64::try_from(place).unwrap_or_default())
}
