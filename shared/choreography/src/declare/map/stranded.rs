//! What no compensation takes back.

use std::collections::BTreeSet;

use super::Map;
use crate::declare::edge::Edge;
use crate::declare::handler::HandlerKind;

impl Map {
    pub(super) fn stranded(&self) -> Vec<String> {
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
                    "{service} changes {table} at {}, and no compensation reaches it from {} at {}: take {table} in a \
                     `.compensate` of {service}, and publish its message there or in a compensation that follows",
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
        let subscribers = edge.all_published().flat_map(|outgoing| self.subscribers(outgoing.name));
        subscribers.filter(|subscriber| subscriber.kind == HandlerKind::Compensation)
    }
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
        _ => edge.all_published().any(|outgoing| outgoing.name == next.receives),
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
