//! A story as text: it means the same when the code that draws stories has changed, and may be edited by hand.

use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::story::{Step, Story};

/// Why a text is not a story.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the story: {problem}")]
pub struct StoryError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

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
    /// The first line that can't be read.
    pub fn from_lines(text: &'static str) -> Result<Self, StoryError> {
        let error = |line, problem: String| StoryError { line, problem };
        let mut lines = text.lines().zip(1..);
        let (seed, _) = lines.next().ok_or_else(|| error(1, "the seed is missing".to_owned()))?;
        let seed = seed.trim().parse().map_err(|problem| error(1, format!("no seed: {problem}")))?;
        let step = |(text, line): (&'static str, usize)| {
            let (number, at_ms, event): Line<A> =
                serde_json::from_str(text).map_err(|problem| error(line, problem.to_string()))?;
            Ok(Step { number, at: Duration::from_millis(at_ms), event })
        };
        let steps = lines.filter(|(text, _)| !text.trim().is_empty()).map(step);
        Ok(Self { seed, steps: steps.collect::<Result<_, _>>()? })
    }
}
