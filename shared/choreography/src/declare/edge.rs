//! A choreography as data: what each function receives, publishes and changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::declare::choreography::Choreography;
use crate::declare::effect::EffectHandler;
use crate::declare::handler::{Handler, HandlerKind};
use crate::declare::outgoing::OutgoingType;
use crate::wire::role::Role;

/// One function of a service: what it receives, what it may publish, and what it may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The service.
    pub service: &'static str,
    /// What the function is for.
    pub kind: HandlerKind,
    /// The name of the message or command that it receives.
    pub receives: &'static str,
    /// The versions of it that it reads.
    pub versions: Vec<u32>,
    /// Every message that it may publish.
    pub publishes: Vec<OutgoingType>,
    /// Every message that its fallback may publish; none if it has no fallback.
    pub fallback: Option<Vec<OutgoingType>>,
    /// The tables that it or its fallback may change.
    pub tables: Vec<&'static str>,
    /// Whether it needs some row to exist: no story begins with it.
    pub needs_row: bool,
}

impl Edge {
    /// Returns every message that the function or its fallback may publish.
    pub(crate) fn all_published(&self) -> impl Iterator<Item = &OutgoingType> {
        self.publishes.iter().chain(self.fallback.iter().flatten())
    }
}

impl Choreography {
    /// Returns one edge for each function.
    pub fn edges(&self) -> Vec<Edge> {
        let thens = self.effects.iter().filter_map(|effect| effect.then.as_ref());
        let handlers = self.handlers.iter().chain(thens).map(|handler| Edge {
            service: self.service,
            kind: handler.kind,
            receives: handler.message,
            versions: handler.versions.clone(),
            publishes: handler.publishes.clone(),
            fallback: handler.fallback.as_ref().map(|fallback| fallback.publishes.clone()),
            tables: handler.all_tables(),
            needs_row: handler.needs_row,
        });
        let effects = self.effects.iter().map(|effect| Edge {
            service: self.service,
            kind: HandlerKind::Effect,
            receives: effect.message,
            versions: effect.versions.clone(),
            publishes: effect.publishes.clone(),
            fallback: effect.fallback.as_ref().map(|fallback| fallback.publishes.clone()),
            tables: effect.fallback.as_ref().map_or_else(Vec::new, |fallback| fallback.tables.clone()),
            needs_row: false,
        });
        handlers.chain(effects).collect()
    }

    /// Returns the names of the tables that the service's functions may change.
    pub fn tables(&self) -> BTreeSet<&'static str> {
        self.tables.names()
    }

    /// Returns the names of the steps and events that the service publishes: each has a circuit, and a lane in the
    /// outbox.
    pub(crate) fn circuit_messages(&self) -> BTreeSet<&'static str> {
        let edges = self.edges();
        let outgoing = edges.iter().flat_map(Edge::all_published);
        outgoing.filter(|outgoing| outgoing.role != Role::Compensation).map(|outgoing| outgoing.name).collect()
    }

    /// Returns the versions of each message that this service reads.
    pub(crate) fn versions_read(&self) -> BTreeMap<String, Vec<u32>> {
        let reactions = self.handlers.iter().filter(|handler| handler.kind.receives_messages());
        let reactions = reactions.map(|handler| (handler.message, &handler.versions));
        let effects = self.effects.iter().map(|effect| (effect.message, &effect.versions));
        reactions.chain(effects).map(|(message, versions)| (message.to_owned(), versions.clone())).collect()
    }

    /// Returns the reaction that receives a message.
    pub(crate) fn handler(&self, message: &str) -> Option<&Handler> {
        self.handlers.iter().find(|handler| handler.kind.receives_messages() && handler.message == message)
    }

    /// Returns the names of the steps that the service publishes.
    pub(crate) fn published_steps(&self) -> BTreeSet<&'static str> {
        let edges = self.edges();
        let outgoing = edges.iter().flat_map(Edge::all_published);
        outgoing.filter(|outgoing| outgoing.role == Role::Step).map(|outgoing| outgoing.name).collect()
    }

    /// Returns the role of a message that the service receives.
    pub(crate) fn role_of(&self, message: &str) -> Option<Role> {
        let role = self.handler(message).map(|handler| handler.role);
        role.or_else(|| self.effect_handler(message).map(|effect| effect.role))
    }

    /// Returns the handler of a command.
    pub(crate) fn command_handler(&self, message: &str) -> Option<&Handler> {
        self.handlers.iter().find(|handler| handler.kind == HandlerKind::Command && handler.message == message)
    }

    /// Returns the effect that receives a message.
    pub(crate) fn effect_handler(&self, message: &str) -> Option<&EffectHandler> {
        self.effects.iter().find(|effect| effect.message == message)
    }
}
