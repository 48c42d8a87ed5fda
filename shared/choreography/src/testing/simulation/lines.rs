//! A story as text: it means the same when the code that draws stories has changed, and may be edited by hand.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::story::{Step, Story};
use super::world::World;
use crate::Choreography;

/// Why a text is not a story.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the story: {problem}")]
pub struct StoryError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// The latest moment of a step, in milliseconds: a day. Every second of a story is lived through.
const AT_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// A step as it is written: its number, how long after the start it happens, in milliseconds, and what happens.
type Line<A> = (usize, u64, Event<A>);

impl<A: Clone + Serialize> Story<A> {
    /// Returns the story as text: a line with its seed, and one in JSON for each step, `[12,3500,{"Crash":"order"}]`, with
    /// the step's number, and its time in milliseconds, which is rounded down.
    ///
    /// # Panics
    /// When an action can't be written as JSON.
    pub fn to_lines(&self) -> String {
        let mut lines = format!("{}\n", self.seed);
        for Step { number, at, event } in &self.steps {
            let line: Line<A> = (*number, u64::try_from(at.as_millis()).unwrap_or(u64::MAX), event.clone());
            let line = serde_json::to_string(&line).expect("actions can be written as JSON");
            let _ = writeln!(lines, "{line}");
        }
        lines
    }
}

impl<A: Deserialize<'static>> Story<A> {
    /// Returns the story of a text that [`Story::to_lines`] has written. Names of services stay in the text, which lives
    /// as long as the process: `String::leak` makes it so.
    ///
    /// # Errors
    /// The first line that can't be read, whose time is before that of the step above or more than a day after the start,
    /// whose number another step has, or which names a service that is not part of the application.
    pub fn from_lines<W: World<Action = A>>(text: &'static str) -> Result<Self, StoryError> {
        let services: BTreeSet<_> = W::default().services().iter().map(Choreography::service).collect();
        let mut lines = text.trim_start_matches(BYTE_ORDER_MARK).lines().zip(1..);
        let (seed, _) = lines.next().unwrap_or_default();
        let no_seed = |_| StoryError { line: 1, problem: format!("the seed is missing, a number: {seed:?}") };
        let seed = seed.trim().parse().map_err(no_seed)?;
        let mut steps: Vec<Step<A>> = Vec::new();
        for (text, line) in lines.filter(|(text, _)| !text.trim().is_empty()) {
            let step = step_of(text).and_then(|step| follows(&steps, step)).and_then(|step| concerns(&services, step));
            steps.push(step.map_err(|problem| StoryError { line, problem })?);
        }
        Ok(Self { seed, steps })
    }
}

/// Some editors write it at the beginning of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads one step.
fn step_of<A: Deserialize<'static>>(text: &'static str) -> Result<Step<A>, String> {
    let read = serde_json::from_str::<Line<A>>(text).map_err(|error| {
        let problem = error.to_string();
        // The parser has seen one line only.
        let problem = problem.rsplit_once(" at line ").map_or(&*problem, |(problem, _)| problem);
        format!("column {}: {problem}; a step is written as [12,3500,{{\"Crash\":\"order\"}}]", error.column())
    });
    let (number, at_ms, event) = read?;
    match at_ms {
        0..=AT_MS_MAX => Ok(Step { number, at: Duration::from_millis(at_ms), event }),
        _ => Err(format!("{at_ms} ms after the start is more than a day")),
    }
}

/// Checks that a step can follow others.
fn follows<A>(steps: &[Step<A>], step: Step<A>) -> Result<Step<A>, String> {
    if let Some(last) = steps.last().filter(|last| last.at > step.at) {
        return Err(format!("{} ms is before the step above, {} ms", step.at.as_millis(), last.at.as_millis()));
    }
    match steps.iter().any(|other| other.number == step.number) {
        true => Err(format!("another step has the number {}", step.number)),
        false => Ok(step),
    }
}

/// Checks that the service that a step names is one of these.
fn concerns<A>(services: &BTreeSet<&'static str>, step: Step<A>) -> Result<Step<A>, String> {
    match step.event.service().filter(|service| !services.contains(service)) {
        Some(service) => {
            let services = Vec::from_iter(services.iter().copied()).join(", ");
            Err(format!("{service} is not part of the application, which has {services}"))
        }
        None => Ok(step),
    }
}
