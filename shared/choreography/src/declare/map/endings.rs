//! Steps and events that end without anybody learning of it.

use super::Map;
use crate::declare::edge::{Edge, FallbackEdge};
use crate::declare::handler::HandlerKind;
use crate::wire::role::Role;

impl Map {
    /// Compensations need no fallback: they never expire, and the death of one is a page for an operator.
    pub(super) fn without_fallback(&self) -> Vec<String> {
        let without_fallback =
            self.mortal().filter(|edge| !self.functions_of(edge).any(|other| other.fallback.is_some()));
        without_fallback
            .map(|edge| {
                let (service, message) = (edge.service, edge.receives);
                format!(
                    "{service} has no fallback for {message}: add `.fallback` after the function that receives it, \
                     with `nothing` if no harm is done when {message} dies"
                )
            })
            .collect()
    }

    pub(super) fn silent_steps(&self) -> Vec<String> {
        let steps = self.mortal().filter(|edge| edge.role == Role::Step);
        let silent = steps.filter(|step| {
            let has_fallback = self.functions_of(step).any(|edge| edge.fallback.is_some()); // else that is its problem
            has_fallback && !self.functions_of(step).any(|edge| self.is_heard(edge))
        });
        silent
            .map(|step| {
                let (service, message) = (step.service, step.receives);
                format!(
                    "nobody learns that {service} can't do {message}: refuse it with an `Err` that publishes something, \
                     do something in its `.fallback`, or change its tables in a `.compensate` of {service}; a message \
                     from which nothing follows is an event"
                )
            })
            .collect()
    }

    /// Returns the functions whose message may die.
    fn mortal(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(|edge| matches!(edge.kind, HandlerKind::Reaction | HandlerKind::Effect))
    }

    /// Returns the functions of a service that receive the same message: a reaction, an effect, or both, of which one
    /// has the fallback.
    fn functions_of<'a>(&'a self, edge: &'a Edge) -> impl Iterator<Item = &'a Edge> {
        self.subscribers(edge.receives).filter(|other| other.service == edge.service)
    }

    /// Whether a service can refuse the step of this function, or do something when it dies, or take it back.
    fn is_heard(&self, step: &Edge) -> bool {
        let mut compensations =
            self.edges.iter().filter(|edge| edge.service == step.service && edge.kind == HandlerKind::Compensation);
        !step.refusal.is_empty()
            || step.publishes.iter().any(|outgoing| outgoing.role == Role::Compensation)
            || step.fallback.iter().any(FallbackEdge::acts)
            || compensations.any(|edge| edge.tables.iter().any(|table| step.tables.contains(table)))
    }
}
