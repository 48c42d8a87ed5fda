//! A story: what happens to an application, and when, as data.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display, Formatter};
use std::time::Duration;

use super::event::Event;
use super::random::Random;
use super::troubles::draw_troubles;
use super::updates::draw_updates;
use super::world::World;
use crate::Choreography;
use crate::testing::release::Release;

/// What happens to an application, in the order of time. It is drawn from a seed before anything runs, so a part of it can
/// be run alone.
#[derive(Debug, Clone)]
pub struct Story<A> {
    /// From which the story was drawn, and from which the application draws its ids.
    pub seed: u64,
    /// What happens, sorted by time.
    pub steps: Vec<Step<A>>,
}

/// Something that happens at a moment.
#[derive(Debug, Clone)]
pub struct Step<A> {
    /// Its number in the story as it was drawn, from 0: a part of a story keeps the numbers.
    pub number: usize,
    /// How long after the start of the application.
    pub at: Duration,
    /// What happens.
    pub event: Event<A>,
}

/// How large a story is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// What the application takes it for, as the number of orders.
    pub actions: usize,
    /// How often something goes wrong.
    pub troubles: usize,
}

impl<A: Clone> Story<A> {
    /// Draws a story from a seed.
    pub fn draw<W: World<Action = A>>(seed: u64, size: Size) -> Self {
        let mut random = Random::new(seed);
        let actions = W::draw(&mut random, size.actions);
        let end = actions.iter().map(|(at, _)| *at).max().unwrap_or_default();
        let names = |services: Vec<Choreography>| services.iter().map(Choreography::service).collect::<Vec<_>>();
        let (services, earlier) = (names(W::default().services()), names(W::default().earlier_services()));
        let mut troubles = draw_troubles(&mut random, &services, end, size.troubles);
        W::change_troubles(&mut random, end, &mut troubles);
        let updates = draw_updates(&mut random, &earlier, end);
        let actions = actions.into_iter().map(|(at, action)| (at, Event::Action(action)));
        let mut events: Vec<_> = updates.into_iter().chain(actions).chain(troubles).collect();
        events.sort_by_key(|(at, _)| *at);
        let steps = events.into_iter().enumerate().map(|(number, (at, event))| Step { number, at, event });
        Self { seed, steps: steps.collect() }
    }
}

impl<A> Story<A> {
    /// Returns the releases with which services begin.
    pub(super) fn first_releases(&self) -> BTreeMap<&'static str, Release> {
        let first = self.steps.iter().take_while(|step| step.at.is_zero());
        let release = |step: &Step<A>| match step.event {
            Event::Release(service, release) => Some((service, release)),
            _ => None,
        };
        first.filter_map(release).collect()
    }

    /// Returns how many actions it has.
    pub fn actions(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.event, Event::Action(_))).count()
    }
}

impl<A: Debug> Display for Story<A> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step}"))
    }
}

/// `12: at 3.500 s, trouble: ServerDown`.
impl<A: Debug> Display for Step<A> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: at {:.3} s, {}", self.number, self.at.as_secs_f64(), self.event)
    }
}
