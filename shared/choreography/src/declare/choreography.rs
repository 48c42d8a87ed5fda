//! A service's part in the choreography: what it receives, with which function, and what that may say.
//!
//! Mistakes in putting it together (two reactions for one message, one table twice in a signature) panic here, when
//! the service starts, and in every test.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::declare::effect::{Effect, EffectHandler};
use crate::declare::function::{Function, MayBeMissing, RepliesWith, RowArguments};
use crate::declare::handler::{self, Fallback, Handler, HandlerKind};
use crate::declare::message::{Command, Dead, Message, ReactionInput};
use crate::declare::outgoing::{CommandOutput, Outgoing, OutgoingType, ReactionOutput};
use crate::declare::tables::Tables;

/// Everything that one service receives and says.
pub struct Choreography {
    pub(crate) service: &'static str,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) effects: Vec<EffectHandler>,
    /// The commands that begin something new.
    pub(crate) intakes: BTreeSet<&'static str>,
    pub(crate) tables: Tables,
}

impl Choreography {
    /// A service that receives nothing yet. Its name is the first token of the subjects it says.
    pub fn new(service: &'static str) -> Self {
        Self { service, handlers: Vec::new(), effects: Vec::new(), intakes: BTreeSet::new(), tables: Tables::default() }
    }

    /// The service's name.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// A reaction to a message: a step.
    ///
    /// # Panics
    /// When the message says of itself that it is a compensation.
    pub fn on<P, F>(self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput,
        F::Rows: RowArguments<<F::Input as ReactionInput>::Message>,
        F::Output: ReactionOutput,
    {
        self.reaction(HandlerKind::Reaction, reaction)
    }

    /// A compensation: it may overtake what it undoes, never expires, and passes every circuit breaker.
    ///
    /// # Panics
    /// When the message does not say of itself that it is a compensation, [`Message::UNDO`]: its publishers could not know.
    pub fn compensate<P, F>(self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput,
        F::Rows: RowArguments<<F::Input as ReactionInput>::Message> + MayBeMissing,
        F::Output: ReactionOutput,
    {
        self.reaction(HandlerKind::Compensation, reaction)
    }

    fn reaction<P, F>(mut self, kind: HandlerKind, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput,
        F::Rows: RowArguments<<F::Input as ReactionInput>::Message>,
        F::Output: ReactionOutput,
    {
        let (service, name, compensation) =
            (self.service, <F::Input as ReactionInput>::Message::NAME, <F::Input as ReactionInput>::Message::UNDO);
        match kind {
            HandlerKind::Compensation => assert!(
                compensation,
                "{service}: `.compensate` for {name}, which is no compensation: say so with `Message::UNDO`"
            ),
            _ => assert!(
                !compensation,
                "{service}: `.on` for {name}, which is a compensation: it is received with `.compensate`"
            ),
        }
        let tables = self.distinct_tables::<F::Rows, <F::Input as ReactionInput>::Message>();
        self.add(handler::reaction(kind, reaction, tables))
    }

    /// What is said, and which tombstone written, when the message of a step has died.
    ///
    /// Use [`nothing`](crate::nothing) to say on purpose that nothing has to be done.
    ///
    /// # Panics
    /// When no step before it receives that message.
    pub fn fallback<P, M, F>(mut self, function: F) -> Self
    where
        M: Message,
        F: Function<P, Input = Dead<M>> + Send + Sync + 'static,
        F::Rows: RowArguments<Dead<M>> + MayBeMissing,
        F::Output: Outgoing,
    {
        let tables = self.distinct_tables::<F::Rows, Dead<M>>();
        let fallback = Fallback::new(function, tables);
        let service = self.service;
        if let Some(handler) =
            self.handlers.iter_mut().find(|handler| handler.kind.receives_messages() && handler.message == M::NAME)
        {
            handler.fallback = Some(fallback);
        } else if let Some(effect) = self.effects.iter_mut().find(|effect| effect.message == M::NAME) {
            effect.fallback = Some(fallback);
        } else {
            panic!("{service}: `.fallback` for {} must follow the step that receives it", M::NAME);
        }
        self
    }

    /// A command that begins something new. While a circuit is open, or too much is on its way already, its caller is
    /// told to come back; otherwise it is a command like any other.
    pub fn intake<P, F>(mut self, function: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput,
        <F::Input as ReactionInput>::Message: Command,
        F::Rows: RowArguments<<F::Input as ReactionInput>::Message>
            + RepliesWith<<<F::Input as ReactionInput>::Message as Command>::Row>,
        F::Output: CommandOutput,
    {
        self.intakes.insert(<F::Input as ReactionInput>::Message::NAME);
        self.command(function)
    }

    /// A command: a caller gives it and is answered with the row as it is after the commit. It never waits.
    pub fn command<P, F>(mut self, function: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput,
        <F::Input as ReactionInput>::Message: Command,
        F::Rows: RowArguments<<F::Input as ReactionInput>::Message>
            + RepliesWith<<<F::Input as ReactionInput>::Message as Command>::Row>,
        F::Output: CommandOutput,
    {
        let tables = self.distinct_tables::<F::Rows, <F::Input as ReactionInput>::Message>();
        self.add(handler::command(function, tables))
    }

    /// Something done to the world outside, after the commit and at least once: the one kind of step that is async
    /// and may fail. What it answers is committed and said like anything else.
    pub fn effect<H, D, W, F>(mut self, function: F, means: D) -> Self
    where
        H: ReactionInput + Send + Sync,
        D: Send + Sync + 'static,
        W: Outgoing + 'static,
        F: for<'a> Effect<'a, H, D, Output = anyhow::Result<W>> + Send + Sync + 'static,
    {
        let name = H::Message::NAME;
        assert!(!self.effects.iter().any(|known| known.message == name), "{}: two effects for {name}", self.service);
        self.effects.push(EffectHandler::new(function, Arc::new(means)));
        self
    }

    /// What the service itself does as soon as its effect has answered: a reaction to something that the effect says,
    /// done in the commit that says it. If it panics, the message that the effect received dies.
    ///
    /// # Panics
    /// When no effect before it says that message.
    pub fn then<P, F>(mut self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput,
        F::Rows: RowArguments<<F::Input as ReactionInput>::Message> + MayBeMissing,
        F::Output: ReactionOutput,
    {
        let tables = self.distinct_tables::<F::Rows, <F::Input as ReactionInput>::Message>();
        let (service, handler) = (self.service, handler::reaction(HandlerKind::Then, reaction, tables));
        let name = handler.message;
        let effect = self.effects.iter_mut().rev().find(|effect| effect.publishes.iter().any(|kind| kind.name == name));
        let effect =
            effect.unwrap_or_else(|| panic!("{service}: `.then` for {name} must follow the effect that says it"));
        effect.then = Some(handler);
        self
    }

    fn add(mut self, handler: Handler) -> Self {
        let twice = self.handlers.iter().any(|known| known.message == handler.message);
        assert!(!twice, "{}: two steps receive {}", self.service, handler.message);
        self.handlers.push(handler);
        self
    }

    fn distinct_tables<L: RowArguments<C>, C>(&mut self) -> Vec<&'static str> {
        let tables = L::tables(&mut self.tables);
        let distinct: BTreeSet<_> = tables.iter().collect();
        assert!(
            distinct.len() == tables.len(),
            "{}: one function takes the same table twice ({tables:?}): use `Rows`",
            self.service
        );
        tables
    }

    /// The step that receives a message.
    pub(crate) fn handler(&self, message: &str) -> Option<&Handler> {
        self.handlers.iter().find(|handler| handler.kind.receives_messages() && handler.message == message)
    }

    pub(crate) fn command_handler(&self, message: &str) -> Option<&Handler> {
        self.handlers.iter().find(|handler| handler.kind == HandlerKind::Command && handler.message == message)
    }

    pub(crate) fn effect_handler(&self, message: &str) -> Option<&EffectHandler> {
        self.effects.iter().find(|effect| effect.message == message)
    }

    /// The tables that its functions touch.
    pub fn tables(&self) -> BTreeSet<&'static str> {
        self.tables.names()
    }

    /// The forward messages that it says: each has a circuit, and a lane in the outbox.
    pub(crate) fn circuit_kinds(&self) -> BTreeSet<&'static str> {
        let edges = self.edges();
        let publishes = edges.iter().flat_map(|edge| edge.publishes.iter().chain(edge.fallback.iter().flatten()));
        publishes.filter(|kind| !kind.compensation).map(|kind| kind.name).collect()
    }

    /// Who receives, says and undoes what, as data: one edge for each function.
    pub fn edges(&self) -> Vec<Edge> {
        let thens = self.effects.iter().filter_map(|effect| effect.then.as_ref());
        let handlers = self.handlers.iter().chain(thens).map(|handler| Edge {
            service: self.service,
            kind: handler.kind,
            receives: handler.message,
            publishes: handler.publishes.clone(),
            fallback: handler.fallback.as_ref().map(|fallback| fallback.publishes.clone()),
            tables: handler.all_tables(),
            needs_row: handler.needs_row,
        });
        let effects = self.effects.iter().map(|effect| Edge {
            service: self.service,
            kind: HandlerKind::Effect,
            receives: effect.message,
            publishes: effect.publishes.clone(),
            fallback: effect.fallback.as_ref().map(|fallback| fallback.publishes.clone()),
            tables: Vec::new(),
            needs_row: false,
        });
        handlers.chain(effects).collect()
    }
}

/// One function of a service: what it receives, what it may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The service.
    pub service: &'static str,
    /// What kind of step it is.
    pub kind: HandlerKind,
    /// The message or command that it receives.
    pub receives: &'static str,
    /// Everything that it may say.
    pub publishes: Vec<OutgoingType>,
    /// What may be said when the message has died; none if nobody thought of it.
    pub fallback: Option<Vec<OutgoingType>>,
    /// The tables that it may change, also when the message has died.
    pub tables: Vec<&'static str>,
    /// Whether it can do nothing before some row is there: no story begins with it.
    pub needs_row: bool,
}
