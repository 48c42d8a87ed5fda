//! Steps that go in a circle: such a story can go on for ever, as fast as the services work.

use std::collections::{BTreeSet, VecDeque};

use super::Map;
use crate::declare::edge::Edge;
use crate::declare::handler::HandlerKind;
use crate::declare::outgoing::OutgoingType;
use crate::wire::role::Role;

/// A function, a message that it may publish, and a function that receives it.
#[derive(Clone, Copy)]
struct Link<'a> {
    from: &'a Edge,
    outgoing: &'a OutgoingType,
    to: &'a Edge,
}

impl Map {
    pub(super) fn cycles(&self) -> Vec<String> {
        let links: Vec<Link<'_>> = self.edges.iter().flat_map(|edge| self.links(edge)).collect();
        let steps = links.iter().filter(|link| link.outgoing.role == Role::Step);
        let cycles = steps.filter_map(|step| Some(sentence(&cycle(*step, &links)?)));
        cycles.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Returns where a function's messages go at once: all but scheduled ones of its service to itself.
    fn links<'a>(&'a self, from: &'a Edge) -> impl Iterator<Item = Link<'a>> {
        from.all_published().flat_map(move |outgoing| {
            let receiving = self.edges.iter().filter(move |to| to.receives == outgoing.name && receives_from(to, from));
            let receiving = receiving.filter(move |to| !outgoing.scheduled || to.service != from.service);
            receiving.map(move |to| Link { from, outgoing, to })
        })
    }
}

/// Whether a function receives what the other one publishes: a `.then` only what an effect of its service does.
fn receives_from(to: &Edge, from: &Edge) -> bool {
    let is_then = to.kind == HandlerKind::Then && from.kind == HandlerKind::Effect && to.service == from.service;
    to.is_subscriber() || is_then
}

/// Returns the shortest circle that begins with this link; none if nothing leads back to it.
fn cycle<'a>(first: Link<'a>, links: &[Link<'a>]) -> Option<Vec<Link<'a>>> {
    let mut ways = VecDeque::from([vec![first]]);
    let mut visited: Vec<&Edge> = Vec::new();
    while let Some(way) = ways.pop_front() {
        let end = way.last().map_or(first.to, |link| link.to);
        if end == first.from {
            return Some(way);
        }
        if visited.contains(&end) {
            continue;
        }
        visited.push(end);
        ways.extend(links.iter().filter(|link| link.from == end).map(|next| [way.as_slice(), &[*next]].concat()));
    }
    None
}

/// Describes a circle, beginning with the function whose name sorts first, so that it reads the same from every step.
fn sentence(cycle: &[Link<'_>]) -> String {
    let begin = (0..cycle.len()).min_by_key(|index| (cycle[*index].from.service, cycle[*index].from.receives));
    let rotated = cycle.iter().cycle().skip(begin.unwrap_or_default()).take(cycle.len());
    let hops = rotated.map(|link| {
        let Link { from, outgoing, to } = link;
        format!("{} publishes {} to {} at {}", from.service, outgoing.name, to.service, from.receives)
    });
    format!(
        "steps go in a circle: {}: let one of them end the story, or let a service wait with a scheduled message to itself \
         (`.after`) that counts its attempts",
        hops.collect::<Vec<_>>().join(", ")
    )
}
