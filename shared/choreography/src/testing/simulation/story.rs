//! A story: what happens to an application, and when, as data.

use std::fmt::{self, Debug, Display, Formatter};
use std::time::Duration;

use super::event::Event;
use super::random::Random;
use super::troubles::draw_troubles;
use super::world::World;

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
        let services: Vec<_> = W::default().services().iter().map(crate::Choreography::service).collect();
        let mut troubles = draw_troubles(&mut random, &services, end, size.troubles);
        W::change_troubles(&mut random, end, &mut troubles);
        let actions = actions.into_iter().map(|(at, action)| (at, Event::Action(action)));
        let mut events: Vec<_> = actions.chain(troubles).collect();
        events.sort_by_key(|(at, _)| *at);
        let steps = events.into_iter().enumerate().map(|(number, (at, event))| Step { number, at, event });
        Self { seed, steps: steps.collect() }
    }

    /// Returns the part of the story that has the steps with these numbers.
    #[must_use]
    pub fn keep(&self, numbers: &[usize]) -> Self {
        let kept = self.steps.iter().filter(|step| numbers.contains(&step.number));
        Self { seed: self.seed, steps: kept.cloned().collect() }
    }
}

impl<A> Story<A> {
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
