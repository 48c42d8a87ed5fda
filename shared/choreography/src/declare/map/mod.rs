//! The map of a whole choreography: which service publishes what to whom, from the types of the functions.
//!
//! What must hold: if [`Map::problems`] is empty, no story ends halfway.

#[cfg(feature = "asyncapi")]
pub(crate) mod asyncapi;
mod cycles;
mod endings;
mod json;
mod loose_ends;
mod mermaid;
mod messages;
mod stranded;

use std::collections::BTreeSet;

use crate::declare::choreography::Choreography;
use crate::declare::edge::Edge;

/// The choreographies of several services as one graph, with an edge for each function.
///
/// ```
#[doc = include_str!("../../example.md")]
/// fn note_payment(_: &PaymentCreated, _: &mut Option<Payment>) {}
///
/// let order = Choreography::new("order").on(note_payment).fallback(nothing::<PaymentCreated>);
/// let problems = Map::of(&[order]).problems();
/// assert!(problems[0].starts_with("order receives payment-created, and nobody publishes it: "), "{problems:?}");
/// ```
pub struct Map {
    /// The names of the services, sorted; a name is there twice if two services have it.
    services: Vec<&'static str>,
    edges: Vec<Edge>,
}

impl Map {
    /// Returns the map of these services.
    pub fn of<'a>(services: impl IntoIterator<Item = &'a Choreography>) -> Self {
        let services: Vec<_> = services.into_iter().collect();
        let mut names: Vec<_> = services.iter().map(|service| service.service()).collect();
        names.sort_unstable();
        Self { services: names, edges: services.into_iter().flat_map(Choreography::edges).collect() }
    }

    /// Returns every function of every service.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Returns the subjects that a service receives, without their last token, sorted: `<publisher>.<message>`.
    pub fn received_by(&self, service: &str) -> Vec<String> {
        let receiving = self.edges.iter().filter(|edge| edge.service == service && edge.is_subscriber());
        let subjects = receiving.flat_map(|edge| {
            self.publishers(edge.receives).map(move |publisher| format!("{}.{}", publisher.service, edge.receives))
        });
        subjects.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Returns what is wrong with the choreography, in sentences that also say what to do, sorted:
    ///
    /// - two services of one name;
    /// - a message that nobody receives, or that nobody publishes;
    /// - a version of a message that a subscriber does not read;
    /// - a step or an event without a fallback. [`nothing`](crate::nothing) is one, for a message whose death is no harm;
    /// - a step of which nobody learns that it can't be done: its function has no refusal (`Err`) and publishes no
    ///   compensation, its fallback does nothing, and no compensation of its service changes what it changed;
    /// - steps that go in a circle: a function publishes a step that leads to the same function again. A scheduled
    ///   message of a service to itself may close a circle, as each round of it waits and the service counts them. So may
    ///   events and compensations: a fact is published when a row changes, and a compensation ends where it finds its
    ///   tombstone;
    /// - a table that is *stranded*: a function changes it before a turning point, which is a function that publishes a
    ///   compensation, and none of the compensations that follow changes it.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = BTreeSet::new();
        problems.extend(self.namesakes());
        problems.extend(self.unreceived());
        problems.extend(self.unpublished());
        problems.extend(self.unknown_versions());
        problems.extend(self.without_fallback());
        problems.extend(self.silent_steps());
        problems.extend(self.cycles());
        problems.extend(self.stranded());
        problems.into_iter().collect()
    }

    /// Whether a service of the application publishes a message.
    #[cfg(feature = "testing")]
    pub(crate) fn is_published(&self, message: &str) -> bool {
        self.publishers(message).next().is_some()
    }

    fn subscribers<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |edge| edge.receives == message && edge.is_subscriber())
    }

    fn publishers<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |edge| edge.all_published().any(|outgoing| outgoing.name == message))
    }
}
