//! What does not fit together between services: names, messages that have no other end, and versions.

use super::Map;
use crate::declare::edge::Edge;
use crate::declare::handler::HandlerKind;
use crate::wire::role::Role;

impl Map {
    pub(super) fn namesakes(&self) -> Vec<String> {
        let twice = self.services.windows(2).filter(|pair| pair[0] == pair[1]);
        twice
            .map(|pair| {
                let name = pair[0];
                format!(
                    "two services are named {name}: rename one, as both would publish as {name} and share its consumers"
                )
            })
            .collect()
    }

    pub(super) fn unreceived(&self) -> Vec<String> {
        let outgoing = self.edges.iter().flat_map(|edge| edge.all_published().map(move |outgoing| (edge, outgoing)));
        let unreceived = outgoing.filter(|(_, outgoing)| self.subscribers(outgoing.name).next().is_none());
        unreceived
            .map(|(edge, outgoing)| {
                let (service, message, receives) = (edge.service, outgoing.name, edge.receives);
                let what_to_do = match self.edges.iter().find(|edge| edge.is_command(message)) {
                    Some(Edge { service: other, .. }) => format!(
                        "it is a command of {other}, which only callers execute. Publish a message of its own instead, \
                         and receive that with `.on` in {other}"
                    ),
                    None if outgoing.role == Role::Compensation => {
                        "receive it with `.compensate` in another service".to_owned()
                    }
                    None => "receive it with `.on` in another service".to_owned(),
                };
                format!(
                    "{service} publishes {message}, and nobody receives it: {what_to_do}, or remove {message} from what \
                     {service} returns for {receives}"
                )
            })
            .collect()
    }

    pub(super) fn unpublished(&self) -> Vec<String> {
        let receiving = self.edges.iter().filter(|edge| edge.is_subscriber());
        let unpublished = receiving.filter(|edge| self.publishers(edge.receives).next().is_none());
        unpublished
            .map(|edge| {
                let (service, message, method) = (edge.service, edge.receives, method(edge.kind));
                format!(
                    "{service} receives {message}, and nobody publishes it: return it from a function of another \
                     service, or remove the `{method}` of {service}"
                )
            })
            .collect()
    }

    pub(super) fn unknown_versions(&self) -> Vec<String> {
        let outgoing = self.edges.iter().flat_map(|edge| edge.all_published().map(move |outgoing| (edge, outgoing)));
        let links = outgoing.flat_map(|(edge, outgoing)| {
            self.subscribers(outgoing.name).map(move |subscriber| (edge.service, outgoing, subscriber))
        });
        let unknown = links.filter(|(_, outgoing, subscriber)| !subscriber.versions.contains(&outgoing.version));
        unknown
            .map(|(service, outgoing, subscriber)| {
                let (version, message) = (outgoing.version, outgoing.name);
                let (other, versions) = (subscriber.service, &subscriber.versions);
                format!(
                    "{service} publishes version {version} of {message}, and {other} reads {versions:?}: build {other} \
                     with version {version} (its `before` keeps the earlier ones), and deploy it before {service}"
                )
            })
            .collect()
    }
}

/// Returns the builder's method that declares a function of this kind.
fn method(kind: HandlerKind) -> &'static str {
    match kind {
        HandlerKind::Command => ".command",
        HandlerKind::Reaction => ".on",
        HandlerKind::Compensation => ".compensate",
        HandlerKind::Effect => ".effect",
        HandlerKind::Then => ".then",
    }
}
