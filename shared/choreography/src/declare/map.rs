//! The map of a whole choreography: which service publishes what to whom, from the types of the functions.
//!
//! What must hold: if [`Map::problems`] is empty, no story ends halfway.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::declare::choreography::Choreography;
use crate::declare::edge::Edge;
use crate::declare::handler::HandlerKind;
use crate::declare::outgoing::OutgoingType;

/// The choreographies of several services as one graph, with an edge for each function.
///
/// ```
#[doc = include_str!("../example.md")]
/// fn note_payment(_: &PaymentCreated, _: &mut Option<Payment>) {}
///
/// let order = Choreography::new("order").on(note_payment).fallback(nothing::<PaymentCreated>);
/// assert_eq!(Map::of(&[order]).problems(), ["order receives payment-created, and nobody publishes it"]);
/// ```
pub struct Map {
    edges: Vec<Edge>,
}

impl Map {
    /// Returns the map of these services.
    pub fn of<'a>(services: impl IntoIterator<Item = &'a Choreography>) -> Self {
        Self { edges: services.into_iter().flat_map(Choreography::edges).collect() }
    }

    /// Returns every function of every service.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Returns the subjects that a service receives, without their last token, sorted: `<publisher>.<message>`.
    pub fn received_by(&self, service: &str) -> Vec<String> {
        let receiving = self.edges.iter().filter(|edge| edge.service == service && is_subscriber(edge));
        let subjects = receiving.flat_map(|edge| {
            self.publishers(edge.receives).map(move |publisher| format!("{}.{}", publisher.service, edge.receives))
        });
        subjects.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Returns what is wrong with the choreography, in sentences, sorted:
    ///
    /// - a message that nobody receives, or that nobody publishes;
    /// - a version of a message that a subscriber does not read;
    /// - a message without a fallback where it may die;
    /// - a table that is *stranded*: a function changes it before a turning point, which is a function that publishes a
    ///   compensation, and none of the compensations that follow changes it.
    pub fn problems(&self) -> Vec<String> {
        let problems =
            [self.unreceived(), self.unpublished(), self.unknown_versions(), self.without_fallback(), self.stranded()];
        problems.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Returns the map as a Mermaid flowchart: services, and the messages between them. Compensations are dotted.
    pub fn to_mermaid(&self) -> String {
        let mut lines = BTreeMap::new();
        for edge in self.edges.iter().filter(|edge| is_subscriber(edge)) {
            let arrow = if edge.kind == HandlerKind::Compensation { "-.->" } else { "-->" };
            for publisher in self.publishers(edge.receives) {
                let line = format!("    {} {arrow}|{}| {}", publisher.service, edge.receives, edge.service);
                lines.insert((publisher.service, edge.receives, edge.service), line);
            }
        }
        lines.into_values().fold(String::from("flowchart LR\n"), |mut chart, line| {
            let _ = writeln!(chart, "{line}");
            chart
        })
    }

    fn unreceived(&self) -> Vec<String> {
        let outgoing = self.edges.iter().flat_map(|edge| published(edge).map(move |message| (edge.service, message)));
        let unreceived = outgoing.filter(|(_, message)| self.subscribers(message).next().is_none());
        unreceived.map(|(service, message)| format!("{service} publishes {message}, and nobody receives it")).collect()
    }

    fn unpublished(&self) -> Vec<String> {
        let receiving = self.edges.iter().filter(|edge| is_subscriber(edge));
        let unpublished = receiving.filter(|edge| self.publishers(edge.receives).next().is_none());
        unpublished
            .map(|edge| format!("{} receives {}, and nobody publishes it", edge.service, edge.receives))
            .collect()
    }

    fn unknown_versions(&self) -> Vec<String> {
        let outgoing = self.edges.iter().flat_map(|edge| edge.all_published().map(move |message| (edge, message)));
        let subscribers = outgoing.flat_map(|(edge, message)| {
            self.subscribers(message.name).map(move |subscriber| (edge.service, message, subscriber))
        });
        let unknown = subscribers.filter(|(_, message, subscriber)| !subscriber.versions.contains(&message.version));
        unknown
            .map(|(service, OutgoingType { name, version, .. }, subscriber)| {
                let (other, versions) = (subscriber.service, &subscriber.versions);
                format!("{service} publishes version {version} of {name}, and {other} reads {versions:?}")
            })
            .collect()
    }

    /// Compensations need no fallback: they never expire, and the death of one is a page for an operator.
    fn without_fallback(&self) -> Vec<String> {
        let has_fallback = |edge: &Edge| {
            self.subscribers(edge.receives).any(|other| other.service == edge.service && other.fallback.is_some())
        };
        let mortal = self.edges.iter().filter(|edge| matches!(edge.kind, HandlerKind::Reaction | HandlerKind::Effect));
        let without_fallback = mortal.filter(|edge| !has_fallback(edge));
        without_fallback.map(|edge| format!("{} has no fallback for {}", edge.service, edge.receives)).collect()
    }

    fn stranded(&self) -> Vec<String> {
        let turning_points = self
            .edges
            .iter()
            .filter(|edge| edge.kind != HandlerKind::Compensation && self.compensations(edge).next().is_some());
        turning_points.flat_map(|edge| self.stranded_before(edge)).collect()
    }

    fn stranded_before(&self, turning_point: &Edge) -> Vec<String> {
        let mut compensated: BTreeSet<_> = tables(turning_point).collect();
        compensated.extend(self.compensations_after(turning_point).into_iter().flat_map(tables));
        let mut stranded = Vec::new();
        for edge in self.before(turning_point) {
            for (service, table) in tables(edge).filter(|table| !compensated.contains(table)) {
                stranded.push(format!(
                    "{service} changes {table} at {}, and no compensation reaches it from {} at {}",
                    edge.receives, turning_point.receives, turning_point.service
                ));
            }
        }
        stranded
    }

    /// Returns the functions from which a story can come to this one.
    fn before<'a>(&'a self, goal: &'a Edge) -> Vec<&'a Edge> {
        reachable(goal, |next| {
            let forward = self.edges.iter().filter(|edge| edge.kind != HandlerKind::Compensation);
            forward.filter(|edge| leads_to(edge, next)).collect()
        })
    }

    /// Returns the compensations that follow a turning point. Only compensations lead to them: a step between could
    /// expire, or be held by a circuit.
    fn compensations_after<'a>(&'a self, turning_point: &'a Edge) -> Vec<&'a Edge> {
        reachable(turning_point, |edge| self.compensations(edge).collect())
    }

    /// Returns the compensations that receive what this function may publish.
    fn compensations<'a>(&'a self, edge: &'a Edge) -> impl Iterator<Item = &'a Edge> {
        let subscribers = published(edge).flat_map(|message| self.subscribers(message));
        subscribers.filter(|subscriber| subscriber.kind == HandlerKind::Compensation)
    }

    fn subscribers<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |edge| edge.receives == message && is_subscriber(edge))
    }

    /// Whether a service of the application publishes a message.
    #[cfg(feature = "testing")]
    pub(crate) fn is_published(&self, message: &str) -> bool {
        self.publishers(message).next().is_some()
    }

    fn publishers<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Edge> {
        self.edges.iter().filter(move |edge| published(edge).any(|published| published == message))
    }
}

/// Whether it receives its message from the bus: a command comes from a caller, and a `.then` from the effect before
/// it.
fn is_subscriber(edge: &Edge) -> bool {
    !matches!(edge.kind, HandlerKind::Command | HandlerKind::Then)
}

/// Returns the names of the messages that it may publish, also by its fallback.
fn published(edge: &Edge) -> impl Iterator<Item = &'static str> {
    edge.all_published().map(|outgoing| outgoing.name)
}

/// Returns the tables that it may change, with its service.
fn tables(edge: &Edge) -> impl Iterator<Item = (&'static str, &'static str)> {
    edge.tables.iter().map(|table| (edge.service, *table))
}

/// Whether a story can go from one function straight to the other: by a message, or because the other is a command that
/// needs a row of a table which the first may change.
fn leads_to(edge: &Edge, next: &Edge) -> bool {
    match next.kind {
        HandlerKind::Command => next.needs_row && tables(edge).any(|table| tables(next).any(|other| other == table)),
        _ => published(edge).any(|message| message == next.receives),
    }
}

/// Returns everything that can be reached from a beginning; the beginning itself only if something leads back to it.
fn reachable<'a>(begin: &'a Edge, next: impl Fn(&'a Edge) -> Vec<&'a Edge>) -> Vec<&'a Edge> {
    let mut found = next(begin);
    let mut visited = 0;
    while let Some(edge) = found.get(visited).copied() {
        for further in next(edge) {
            if !found.contains(&further) {
                found.push(further);
            }
        }
        visited += 1;
    }
    found
}
