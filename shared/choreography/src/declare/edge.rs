//! A choreography as data: what each function receives, publishes and changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::declare::choreography::Choreography;
use crate::declare::effect::EffectHandler;
use crate::declare::fallback::Fallback;
use crate::declare::handler::{Handler, HandlerKind};
use crate::declare::outgoing::OutgoingType;
use crate::declare::payload::PayloadType;
use crate::wire::role::Role;

/// One function of a service: what it receives, what it may publish, and what it may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The service.
    pub service: &'static str,
    /// What the function is for.
    pub kind: HandlerKind,
    /// The name of the message or command that it receives.
    pub receives: &'static str,
    /// The role of it. Commands are steps.
    pub role: Role,
    /// The versions of it that it reads.
    pub versions: Vec<u32>,
    /// Every message that it may publish when its rows are kept.
    pub publishes: Vec<OutgoingType>,
    /// Every message that it may publish as a refusal: by `Err`, when its rows stay as they were.
    pub refusal: Vec<OutgoingType>,
    /// Its fallback, if it has one.
    pub fallback: Option<FallbackEdge>,
    /// The tables that it or its fallback may change.
    pub tables: Vec<&'static str>,
    /// Whether it needs some row to exist: no story begins with it.
    pub needs_row: bool,
    /// How the payload of what it receives looks.
    #[serde(skip)]
    pub(crate) payload: PayloadType,
}

/// What happens when the message of a function has died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FallbackEdge {
    /// Every message that it may publish.
    pub publishes: Vec<OutgoingType>,
    /// The tables that it may change.
    pub tables: Vec<&'static str>,
}

impl FallbackEdge {
    fn of(fallback: &Fallback) -> Self {
        Self { publishes: fallback.publishes.clone(), tables: fallback.tables.clone() }
    }

    /// Whether it may publish or change something; [`nothing`](crate::nothing) does not.
    pub fn acts(&self) -> bool {
        !self.publishes.is_empty() || !self.tables.is_empty()
    }
}

impl Edge {
    /// Returns every message that it may publish: by its result, as a refusal, and by its fallback.
    pub fn all_published(&self) -> impl Iterator<Item = &OutgoingType> {
        let fallback = self.fallback.iter().flat_map(|fallback| &fallback.publishes);
        self.publishes.iter().chain(&self.refusal).chain(fallback)
    }

    /// Whether it executes the command of a name.
    pub(crate) fn is_command(&self, name: &str) -> bool {
        self.kind == HandlerKind::Command && self.receives == name
    }

    /// Whether it receives its message from the bus: a command comes from a caller, and a `.then` from the effect before
    /// it.
    pub fn is_subscriber(&self) -> bool {
        !matches!(self.kind, HandlerKind::Command | HandlerKind::Then)
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
            role: handler.role,
            versions: handler.versions.clone(),
            publishes: handler.publishes.clone(),
            refusal: handler.refusal.clone(),
            fallback: handler.fallback.as_ref().map(FallbackEdge::of),
            tables: handler.all_tables(),
            needs_row: handler.needs_row,
            payload: handler.payload,
        });
        let effects = self.effects.iter().map(|effect| Edge {
            service: self.service,
            kind: HandlerKind::Effect,
            receives: effect.message,
            role: effect.role,
            versions: effect.versions.clone(),
            publishes: effect.publishes.clone(),
            refusal: Vec::new(),
            fallback: effect.fallback.as_ref().map(FallbackEdge::of),
            tables: effect.fallback.as_ref().map_or_else(Vec::new, |fallback| fallback.tables.clone()),
            needs_row: false,
            payload: effect.payload,
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
