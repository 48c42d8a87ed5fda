//! The functions of a service that stories are made of: reactions, command handlers, `.then`s and fallbacks.

use std::any::TypeId;

use jiff::Timestamp;
use uuid::Uuid;

use crate::declare::call::{CheckIdempotence, ErasedInput, Reacted};
use crate::declare::choreography::Choreography;
use crate::declare::fallback::Fallback;
use crate::declare::handler::{Handler, HandlerKind};
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;
use crate::samples::Sample;
use crate::wire::dead_letter::Reason;
use crate::wire::role::Role;

/// What the fallbacks of a story are told about the death of their message.
const DEATH: (Reason, &str) = (Reason::Expired, "it came too late");

/// A function of the service.
pub(super) struct Function<'a> {
    pub(super) message: &'static str,
    pub(super) role: Role,
    /// Whether it is a command that begins a story: nothing comes before it.
    pub(super) is_intake: bool,
    /// The message of the effect whose result it takes.
    effect: Option<&'static str>,
    pub(super) sample: &'a Sample,
    /// The tables whose rows it takes.
    pub(super) tables: &'a [&'static str],
    code: Code<'a>,
}

#[derive(Clone, Copy)]
enum Code<'a> {
    Handler(&'a Handler),
    Fallback(&'a Fallback),
}

/// A message for a function.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    /// The function's index.
    pub(super) function: usize,
    pub(super) payload: serde_json::Value,
    pub(super) key: String,
    pub(super) id: Uuid,
    pub(super) now: Timestamp,
}

impl<'a> Function<'a> {
    /// Returns all functions of a service, the fallback of each after it.
    pub(super) fn all(service: &'a Choreography) -> Vec<Self> {
        let handlers = service.handlers.iter().map(|handler| (handler, None));
        let thens = service.effects.iter().filter_map(|effect| Some((effect.then.as_ref()?, Some(effect.message))));
        let mut functions = Vec::new();
        for (handler, effect) in handlers.chain(thens) {
            let of = |code, tables| Self {
                message: handler.message,
                role: handler.role,
                is_intake: handler.kind == HandlerKind::Command && service.intakes.contains(handler.message),
                effect,
                sample: &handler.sample,
                tables,
                code,
            };
            functions.push(of(Code::Handler(handler), handler.tables.as_slice()));
            let fallback = handler.fallback.as_ref();
            functions.extend(fallback.map(|fallback| of(Code::Fallback(fallback), fallback.tables.as_slice())));
        }
        for effect in &service.effects {
            functions.extend(effect.fallback.as_ref().map(|fallback| Self {
                message: effect.message,
                role: effect.role,
                is_intake: false,
                effect: None,
                sample: &effect.sample,
                tables: &fallback.tables,
                code: Code::Fallback(fallback),
            }));
        }
        functions
    }

    /// Whether it is called when its message has died.
    pub(super) fn is_fallback(&self) -> bool {
        matches!(self.code, Code::Fallback(_))
    }

    pub(super) fn is_command(&self) -> bool {
        self.is_of(HandlerKind::Command)
    }

    /// Whether it is called for messages that a server delivers: a copy may come at any time.
    pub(super) fn is_received(&self) -> bool {
        match self.code {
            Code::Handler(handler) => handler.kind.receives_messages(),
            Code::Fallback(_) => true,
        }
    }

    pub(super) fn is_compensation(&self) -> bool {
        self.is_of(HandlerKind::Compensation)
    }

    /// Whether it is the reaction to a step.
    pub(super) fn is_step(&self) -> bool {
        self.is_of(HandlerKind::Reaction) && self.role == Role::Step
    }

    /// Returns why messages of this function and another one never come in both orders.
    pub(super) fn cannot_race(&self, other: &Self) -> Option<&'static str> {
        let is_result = |one: &Self, other: &Self| one.effect == Some(other.message);
        if self.message == other.message {
            Some("they are the same message")
        } else if self.sample.key_type != other.sample.key_type {
            Some("they have keys of different types")
        } else if self.is_intake || other.is_intake {
            Some("an `.intake` begins a story, so nothing comes before it")
        } else if is_result(self, other) || is_result(other, self) {
            Some("the result of an effect comes after the effect's message")
        } else {
            None
        }
    }

    fn is_of(&self, kind: HandlerKind) -> bool {
        matches!(self.code, Code::Handler(handler) if handler.kind == kind)
    }

    /// Whether its messages and the rows of a table have keys of one type: such a row is about the message's story.
    pub(super) fn is_about(&self, key_type: Option<TypeId>) -> bool {
        key_type == Some(self.sample.key_type)
    }

    /// Returns its input.
    ///
    /// # Errors
    /// The message is unreadable.
    pub(super) fn input(&self, delivery: &Delivery) -> Result<ErasedInput, String> {
        let Delivery { payload, key, id, now, .. } = delivery;
        match self.code {
            Code::Handler(handler) => {
                handler.decode(handler.own_version(), payload.to_string().as_bytes(), key, *id, *now)
            }
            Code::Fallback(fallback) => {
                let (reason, detail) = DEATH;
                fallback.decode(key, reason, detail, *id, *now).ok_or_else(|| format!("the key {key:?} is unreadable"))
            }
        }
    }

    pub(super) fn want(&self, input: &ErasedInput, tables: &mut Tables) {
        match self.code {
            Code::Handler(handler) => handler.want(input, tables),
            Code::Fallback(fallback) => fallback.want(input, tables),
        }
    }

    /// Calls it, and a second time to see that this does nothing.
    ///
    /// # Errors
    /// As [`Handler::react`].
    ///
    /// # Panics
    /// If it does something the second time.
    pub(super) fn react(&self, input: &ErasedInput, tables: &mut Tables) -> Result<Reacted, Unready> {
        match self.code {
            Code::Handler(handler) => handler.react(input, tables, CheckIdempotence(true)),
            Code::Fallback(fallback) => fallback.react(input, tables, CheckIdempotence(true)),
        }
    }
}
