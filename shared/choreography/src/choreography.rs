//! A service's part in the dance: what it hears, with which function, and what that may say.
//!
//! Mistakes in putting it together (two reactions for one message, one table twice in a signature) panic here, when
//! the service starts, and in every test.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::effect::{Effect, EffectStep};
use crate::function::{AnswersWith, Function, Load, MayBeMissing};
use crate::message::{Command, Dead, Hear, Message};
use crate::step::{self, Kind, Otherwise, Step};
use crate::tables::Tables;
use crate::words::{Answers, Says, Word, Words};

/// Everything that one service hears and says.
pub struct Choreography {
    pub(crate) service: &'static str,
    pub(crate) steps: Vec<Step>,
    pub(crate) effects: Vec<EffectStep>,
    /// The commands that begin something new.
    pub(crate) intakes: BTreeSet<&'static str>,
    pub(crate) tables: Tables,
}

impl Choreography {
    /// A service that hears nothing yet. Its name is the first token of the subjects it says.
    pub fn new(service: &'static str) -> Self {
        Self { service, steps: Vec::new(), effects: Vec::new(), intakes: BTreeSet::new(), tables: Tables::default() }
    }

    /// The service's name.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// A reaction to a message: a forward step.
    ///
    /// # Panics
    /// When the message says of itself that it is an undo.
    pub fn on<P, F>(self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Hears: Hear,
        F::Rows: Load<<F::Hears as Hear>::Message>,
        F::Says: Says,
    {
        self.reaction(Kind::Forward, reaction)
    }

    /// A compensation: it may overtake what it undoes, never expires, and passes every circuit breaker.
    ///
    /// # Panics
    /// When the message does not say of itself that it is an undo, [`Message::UNDO`]: its sayers could not know.
    pub fn undo<P, F>(self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Hears: Hear,
        F::Rows: Load<<F::Hears as Hear>::Message> + MayBeMissing,
        F::Says: Says,
    {
        self.reaction(Kind::Undo, reaction)
    }

    fn reaction<P, F>(mut self, kind: Kind, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Hears: Hear,
        F::Rows: Load<<F::Hears as Hear>::Message>,
        F::Says: Says,
    {
        let (service, name, undo) =
            (self.service, <F::Hears as Hear>::Message::NAME, <F::Hears as Hear>::Message::UNDO);
        match kind {
            Kind::Undo => assert!(undo, "{service}: `.undo` for {name}, which is no undo: say so with `Message::UNDO`"),
            _ => assert!(!undo, "{service}: `.on` for {name}, which is an undo: it is heard with `.undo`"),
        }
        let tables = self.distinct_tables::<F::Rows, <F::Hears as Hear>::Message>();
        self.add(step::reaction(kind, reaction, tables))
    }

    /// What is said, and which tombstone written, when the message of a step has died.
    ///
    /// Use [`nothing`](crate::nothing) to say on purpose that nothing has to be done.
    ///
    /// # Panics
    /// When no step before it hears that message.
    pub fn otherwise<P, M, F>(mut self, function: F) -> Self
    where
        M: Message,
        F: Function<P, Hears = Dead<M>> + Send + Sync + 'static,
        F::Rows: Load<Dead<M>> + MayBeMissing,
        F::Says: Words,
    {
        let tables = self.distinct_tables::<F::Rows, Dead<M>>();
        let otherwise = Otherwise::new(function, tables);
        let service = self.service;
        if let Some(step) = self.steps.iter_mut().find(|step| step.kind.is_heard() && step.message == M::NAME) {
            step.otherwise = Some(otherwise);
        } else if let Some(effect) = self.effects.iter_mut().find(|effect| effect.message == M::NAME) {
            effect.otherwise = Some(otherwise);
        } else {
            panic!("{service}: `.otherwise` for {} must follow the step that hears it", M::NAME);
        }
        self
    }

    /// A command that begins something new. While a circuit is open, or too much is on its way already, its caller is
    /// told to come back; otherwise it is a command like any other.
    pub fn intake<P, F>(mut self, function: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Hears: Hear,
        <F::Hears as Hear>::Message: Command,
        F::Rows: Load<<F::Hears as Hear>::Message> + AnswersWith<<<F::Hears as Hear>::Message as Command>::Row>,
        F::Says: Answers,
    {
        self.intakes.insert(<F::Hears as Hear>::Message::NAME);
        self.command(function)
    }

    /// A command: a caller gives it and is answered with the row as it is after the commit. It never waits.
    pub fn command<P, F>(mut self, function: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Hears: Hear,
        <F::Hears as Hear>::Message: Command,
        F::Rows: Load<<F::Hears as Hear>::Message> + AnswersWith<<<F::Hears as Hear>::Message as Command>::Row>,
        F::Says: Answers,
    {
        let tables = self.distinct_tables::<F::Rows, <F::Hears as Hear>::Message>();
        self.add(step::command(function, tables))
    }

    /// Something done to the world outside, after the commit and at least once: the one kind of step that is async
    /// and may fail. What it answers is committed and said like anything else.
    pub fn effect<H, D, W, F>(mut self, function: F, means: D) -> Self
    where
        H: Hear + Send + Sync,
        D: Send + Sync + 'static,
        W: Words + 'static,
        F: for<'a> Effect<'a, H, D, Output = anyhow::Result<W>> + Send + Sync + 'static,
    {
        let name = H::Message::NAME;
        assert!(!self.effects.iter().any(|known| known.message == name), "{}: two effects for {name}", self.service);
        self.effects.push(EffectStep::new(function, Arc::new(means)));
        self
    }

    /// What the service itself does as soon as its effect has answered: a reaction to something that the effect says,
    /// done in the commit that says it. If it panics, the message that the effect heard dies.
    ///
    /// # Panics
    /// When no effect before it says that message.
    pub fn then<P, F>(mut self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Hears: Hear,
        F::Rows: Load<<F::Hears as Hear>::Message> + MayBeMissing,
        F::Says: Says,
    {
        let tables = self.distinct_tables::<F::Rows, <F::Hears as Hear>::Message>();
        let (service, step) = (self.service, step::reaction(Kind::Then, reaction, tables));
        let name = step.message;
        let effect = self.effects.iter_mut().rev().find(|effect| effect.words.iter().any(|word| word.name == name));
        let effect =
            effect.unwrap_or_else(|| panic!("{service}: `.then` for {name} must follow the effect that says it"));
        effect.then = Some(step);
        self
    }

    fn add(mut self, step: Step) -> Self {
        let twice = self.steps.iter().any(|known| known.message == step.message);
        assert!(!twice, "{}: two steps hear {}", self.service, step.message);
        self.steps.push(step);
        self
    }

    fn distinct_tables<L: Load<C>, C>(&mut self) -> Vec<&'static str> {
        let tables = L::tables(&mut self.tables);
        let distinct: BTreeSet<_> = tables.iter().collect();
        assert!(
            distinct.len() == tables.len(),
            "{}: one function takes the same table twice ({tables:?}): use `Rows`",
            self.service
        );
        tables
    }

    /// The step that hears a message.
    pub(crate) fn step(&self, message: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.kind.is_heard() && step.message == message)
    }

    pub(crate) fn command_step(&self, message: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.kind == Kind::Command && step.message == message)
    }

    pub(crate) fn effect_step(&self, message: &str) -> Option<&EffectStep> {
        self.effects.iter().find(|effect| effect.message == message)
    }

    /// The tables that its functions touch.
    pub fn tables(&self) -> BTreeSet<&'static str> {
        self.tables.names()
    }

    /// The forward messages that it says: each has a circuit, and a lane in the outbox.
    pub(crate) fn forward_words(&self) -> BTreeSet<&'static str> {
        let edges = self.edges();
        let words = edges.iter().flat_map(|edge| edge.says.iter().chain(edge.otherwise.iter().flatten()));
        words.filter(|word| !word.undo).map(|word| word.name).collect()
    }

    /// Who hears, says and undoes what, as data: one edge for each function.
    pub fn edges(&self) -> Vec<Edge> {
        let thens = self.effects.iter().filter_map(|effect| effect.then.as_ref());
        let steps = self.steps.iter().chain(thens).map(|step| Edge {
            service: self.service,
            kind: step.kind,
            hears: step.message,
            says: step.words.clone(),
            otherwise: step.otherwise.as_ref().map(|otherwise| otherwise.words.clone()),
            tables: step.all_tables(),
            needs_row: step.needs_row,
        });
        let effects = self.effects.iter().map(|effect| Edge {
            service: self.service,
            kind: Kind::Effect,
            hears: effect.message,
            says: effect.words.clone(),
            otherwise: effect.otherwise.as_ref().map(|otherwise| otherwise.words.clone()),
            tables: Vec::new(),
            needs_row: false,
        });
        steps.chain(effects).collect()
    }
}

/// One function of a service: what it hears, what it may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The service.
    pub service: &'static str,
    /// What kind of step it is.
    pub kind: Kind,
    /// The message or command that it hears.
    pub hears: &'static str,
    /// Everything that it may say.
    pub says: Vec<Word>,
    /// What may be said when the message has died; none if nobody thought of it.
    pub otherwise: Option<Vec<Word>>,
    /// The tables that it may change, also when the message has died.
    pub tables: Vec<&'static str>,
    /// Whether it can do nothing before some row is there: no story begins with it.
    pub needs_row: bool,
}
