//! The map of a whole dance: who says what to whom, drawn from the types of the functions.
//!
//! Nothing on it is written by hand, so it can't be out of date; and [`Map::problems`] is empty, or some
//! story can end in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::choreography::{Choreography, Edge};
use crate::step::Kind;

/// Several services' choreographies as one graph.
pub struct Map {
    edges: Vec<Edge>,
}

impl Map {
    /// The map of these services.
    pub fn of(services: &[Choreography]) -> Self {
        Self { edges: services.iter().flat_map(Choreography::edges).collect() }
    }

    /// Every function of every service.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// The subjects that a service hears, without their last token, sorted: `<who says it>.<message>`.
    pub fn heard_by(&self, service: &str) -> Vec<String> {
        let hearing = self.edges.iter().filter(|step| step.service == service && is_heard(step));
        let subjects = hearing
            .flat_map(|step| self.sayers(step.hears).map(move |sayer| format!("{}.{}", sayer.service, step.hears)));
        subjects.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What is wrong with the dance as a whole, in sentences; empty when it is whole.
    ///
    /// A message that nobody hears, or nobody says; a step whose message may die with nobody having thought of
    /// it; and what is *stranded*: a step whose rows stay as they are although the story turns back after it.
    pub fn problems(&self) -> Vec<String> {
        let problems = [self.unheard(), self.unsaid(), self.unforeseen(), self.stranded()];
        problems.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The map as a Mermaid flowchart: services, and what they tell each other; undos are dotted.
    pub fn to_mermaid(&self) -> String {
        let mut lines = BTreeMap::new();
        for step in self.edges.iter().filter(|step| is_heard(step)) {
            let arrow = if step.kind == Kind::Undo { "-.->" } else { "-->" };
            for sayer in self.sayers(step.hears) {
                let line = format!("    {} {arrow}|{}| {}", sayer.service, step.hears, step.service);
                lines.insert((sayer.service, step.hears, step.service), line);
            }
        }
        lines.into_values().fold(String::from("flowchart LR\n"), |mut chart, line| {
            let _ = writeln!(chart, "{line}");
            chart
        })
    }

    fn unheard(&self) -> Vec<String> {
        let said = self.edges.iter().flat_map(|step| words(step).map(move |word| (step.service, word)));
        let unheard = said.filter(|(_, word)| self.hearers(word).next().is_none());
        unheard.map(|(service, word)| format!("{service} says {word}, and nobody hears it")).collect()
    }

    fn unsaid(&self) -> Vec<String> {
        let hearing = self.edges.iter().filter(|step| is_heard(step));
        let unsaid = hearing.filter(|step| self.sayers(step.hears).next().is_none());
        unsaid.map(|step| format!("{} hears {}, and nobody says it", step.service, step.hears)).collect()
    }

    /// Steps whose message may die without anything being said. An undo never expires; its death pages an operator.
    fn unforeseen(&self) -> Vec<String> {
        let foreseen = |step: &Edge| {
            self.hearers(step.hears).any(|other| other.service == step.service && other.otherwise.is_some())
        };
        let mortal = self.edges.iter().filter(|step| matches!(step.kind, Kind::Forward | Kind::Effect));
        let unforeseen = mortal.filter(|step| !foreseen(step));
        unforeseen.map(|step| format!("{} has no otherwise for {}", step.service, step.hears)).collect()
    }

    fn stranded(&self) -> Vec<String> {
        let turning = self.edges.iter().filter(|step| step.kind != Kind::Undo && self.undos(step).next().is_some());
        turning.flat_map(|step| self.stranded_by(step)).collect()
    }

    /// What stays behind when the story turns back at this step.
    fn stranded_by(&self, turning: &Edge) -> Vec<String> {
        let mut mended: BTreeSet<_> = tables(turning).collect();
        mended.extend(self.undone_after(turning).iter().flat_map(|undo| tables(undo)));
        let mut stranded = Vec::new();
        for step in self.before(turning) {
            for (service, table) in tables(step).filter(|table| !mended.contains(table)) {
                stranded.push(format!(
                    "{service} changes {table} at {}, and when {} turns back at {} no undo reaches it",
                    step.hears, turning.service, turning.hears
                ));
            }
        }
        stranded
    }

    /// The steps from which a story may come to this one.
    fn before<'a>(&'a self, goal: &'a Edge) -> Vec<&'a Edge> {
        spread(goal, |later| {
            self.edges.iter().filter(|step| step.kind != Kind::Undo && leads_to(step, later)).collect()
        })
    }

    /// The undos that follow when this step turns back. They are reached through undos alone: a forward message
    /// on the way could expire, or be held.
    fn undone_after<'a>(&'a self, turning: &'a Edge) -> Vec<&'a Edge> {
        spread(turning, |step| self.undos(step).collect())
    }

    /// The undos that hear what this step may say.
    fn undos<'a>(&'a self, step: &'a Edge) -> impl Iterator<Item = &'a Edge> {
        let hearers = words(step).flat_map(|word| self.hearers(word));
        hearers.filter(|hearer| hearer.kind == Kind::Undo)
    }

    fn hearers<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |step| step.hears == message && is_heard(step))
    }

    fn sayers<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |step| words(step).any(|word| word == message))
    }
}

/// Whether a message leads to it; a command comes from a caller, and what an effect answers is not heard by its `then`.
fn is_heard(step: &Edge) -> bool {
    !matches!(step.kind, Kind::Command | Kind::Then)
}

/// Everything that a step may say, also when its message has died.
fn words(step: &Edge) -> impl Iterator<Item = &'static str> {
    step.says.iter().chain(step.otherwise.iter().flatten()).map(|word| word.name)
}

fn tables(step: &Edge) -> impl Iterator<Item = (&'static str, &'static str)> {
    step.tables.iter().map(|table| (step.service, *table))
}

/// Whether a story may go from one step straight to the other: by a message; or because the other is a command that
/// needs a row of a table which the first one writes.
fn leads_to(step: &Edge, later: &Edge) -> bool {
    match later.kind {
        Kind::Command => later.needs_row && tables(step).any(|table| tables(later).any(|other| other == table)),
        _ => words(step).any(|word| word == later.hears),
    }
}

/// Everything that can be reached, step by step, from a beginning; itself only if something leads back to it.
fn spread<'a>(begin: &'a Edge, next: impl Fn(&'a Edge) -> Vec<&'a Edge>) -> Vec<&'a Edge> {
    let mut found = next(begin);
    let mut looked = 0;
    while let Some(step) = found.get(looked).copied() {
        for further in next(step) {
            if !found.contains(&further) {
                found.push(further);
            }
        }
        looked += 1;
    }
    found
}
