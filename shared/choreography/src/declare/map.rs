//! The map of a whole choreography: who says what to whom, drawn from the types of the functions.
//!
//! Nothing on it is written by hand, so it can't be out of date; and [`Map::problems`] is empty, or some
//! story can end in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::declare::choreography::{Choreography, Edge};
use crate::declare::handler::HandlerKind;

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

    /// The subjects that a service receives, without their last token, sorted: `<who publishes it>.<message>`.
    pub fn received_by(&self, service: &str) -> Vec<String> {
        let hearing = self.edges.iter().filter(|handler| handler.service == service && receives_messages(handler));
        let subjects = hearing.flat_map(|handler| {
            self.publishers(handler.receives)
                .map(move |publisher| format!("{}.{}", publisher.service, handler.receives))
        });
        subjects.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What is wrong with the choreography as a whole, in sentences; empty when it is whole.
    ///
    /// A message that nobody receives, or nobody says; a step whose message may die with nobody having thought of
    /// it; and what is *stranded*: a step whose rows stay as they are although the story turns back after it.
    pub fn problems(&self) -> Vec<String> {
        let problems = [self.unreceived(), self.unpublished(), self.without_fallback(), self.stranded()];
        problems.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The map as a Mermaid flowchart: services, and what they tell each other; compensations are dotted.
    pub fn to_mermaid(&self) -> String {
        let mut lines = BTreeMap::new();
        for handler in self.edges.iter().filter(|handler| receives_messages(handler)) {
            let arrow = if handler.kind == HandlerKind::Compensation { "-.->" } else { "-->" };
            for publisher in self.publishers(handler.receives) {
                let line = format!("    {} {arrow}|{}| {}", publisher.service, handler.receives, handler.service);
                lines.insert((publisher.service, handler.receives, handler.service), line);
            }
        }
        lines.into_values().fold(String::from("flowchart LR\n"), |mut chart, line| {
            let _ = writeln!(chart, "{line}");
            chart
        })
    }

    fn unreceived(&self) -> Vec<String> {
        let outgoing =
            self.edges.iter().flat_map(|handler| publishes(handler).map(move |kind| (handler.service, kind)));
        let unreceived = outgoing.filter(|(_, kind)| self.consumers(kind).next().is_none());
        unreceived.map(|(service, kind)| format!("{service} says {kind}, and nobody receives it")).collect()
    }

    fn unpublished(&self) -> Vec<String> {
        let hearing = self.edges.iter().filter(|handler| receives_messages(handler));
        let unpublished = hearing.filter(|handler| self.publishers(handler.receives).next().is_none());
        unpublished
            .map(|handler| format!("{} receives {}, and nobody says it", handler.service, handler.receives))
            .collect()
    }

    /// Steps whose message may die without anything being said. A compensation never expires; its death pages an operator.
    fn without_fallback(&self) -> Vec<String> {
        let foreseen = |handler: &Edge| {
            self.consumers(handler.receives).any(|other| other.service == handler.service && other.fallback.is_some())
        };
        let mortal =
            self.edges.iter().filter(|handler| matches!(handler.kind, HandlerKind::Reaction | HandlerKind::Effect));
        let without_fallback = mortal.filter(|handler| !foreseen(handler));
        without_fallback
            .map(|handler| format!("{} has no otherwise for {}", handler.service, handler.receives))
            .collect()
    }

    fn stranded(&self) -> Vec<String> {
        let turning = self.edges.iter().filter(|handler| {
            handler.kind != HandlerKind::Compensation && self.compensations(handler).next().is_some()
        });
        turning.flat_map(|handler| self.stranded_by(handler)).collect()
    }

    /// What stays behind when the story turns back at this step.
    fn stranded_by(&self, turning: &Edge) -> Vec<String> {
        let mut mended: BTreeSet<_> = tables(turning).collect();
        mended.extend(self.compensated_after(turning).iter().flat_map(|compensation| tables(compensation)));
        let mut stranded = Vec::new();
        for handler in self.before(turning) {
            for (service, table) in tables(handler).filter(|table| !mended.contains(table)) {
                stranded.push(format!(
                    "{service} changes {table} at {}, and when {} turns back at {} no compensation reaches it",
                    handler.receives, turning.service, turning.receives
                ));
            }
        }
        stranded
    }

    /// The steps from which a story may come to this one.
    fn before<'a>(&'a self, goal: &'a Edge) -> Vec<&'a Edge> {
        spread(goal, |later| {
            self.edges
                .iter()
                .filter(|handler| handler.kind != HandlerKind::Compensation && leads_to(handler, later))
                .collect()
        })
    }

    /// The compensations that follow when this step turns back. They are reached through compensations alone: a forward message
    /// on the way could expire, or be held.
    fn compensated_after<'a>(&'a self, turning: &'a Edge) -> Vec<&'a Edge> {
        spread(turning, |handler| self.compensations(handler).collect())
    }

    /// The compensations that receive what this step may say.
    fn compensations<'a>(&'a self, handler: &'a Edge) -> impl Iterator<Item = &'a Edge> {
        let consumers = publishes(handler).flat_map(|kind| self.consumers(kind));
        consumers.filter(|hearer| hearer.kind == HandlerKind::Compensation)
    }

    fn consumers<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |handler| handler.receives == message && receives_messages(handler))
    }

    fn publishers<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |handler| publishes(handler).any(|kind| kind == message))
    }
}

/// Whether a message leads to it; a command comes from a caller, and what an effect answers is not received by its `then`.
fn receives_messages(handler: &Edge) -> bool {
    !matches!(handler.kind, HandlerKind::Command | HandlerKind::Then)
}

/// Everything that a step may say, also when its message has died.
fn publishes(handler: &Edge) -> impl Iterator<Item = &'static str> {
    handler.publishes.iter().chain(handler.fallback.iter().flatten()).map(|kind| kind.name)
}

fn tables(handler: &Edge) -> impl Iterator<Item = (&'static str, &'static str)> {
    handler.tables.iter().map(|table| (handler.service, *table))
}

/// Whether a story may go from one step straight to the other: by a message; or because the other is a command that
/// needs a row of a table which the first one writes.
fn leads_to(handler: &Edge, later: &Edge) -> bool {
    match later.kind {
        HandlerKind::Command => {
            later.needs_row && tables(handler).any(|table| tables(later).any(|other| other == table))
        }
        _ => publishes(handler).any(|kind| kind == later.receives),
    }
}

/// Everything that can be reached, step by step, from a beginning; itself only if something leads back to it.
fn spread<'a>(begin: &'a Edge, next: impl Fn(&'a Edge) -> Vec<&'a Edge>) -> Vec<&'a Edge> {
    let mut found = next(begin);
    let mut looked = 0;
    while let Some(handler) = found.get(looked).copied() {
        for further in next(handler) {
            if !found.contains(&further) {
                found.push(further);
            }
        }
        looked += 1;
    }
    found
}
