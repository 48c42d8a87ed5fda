//! One step of a choreography, with its types erased: what the batch needs to call it.

use std::any::Any;
use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::declare::function::{Function, RepliesWith, RowArguments};
use crate::declare::message::{Command, Dead, Incoming, Message, ReactionInput};
use crate::declare::outgoing::{
    Collector, CommandOutput, Outgoing, OutgoingMessage, OutgoingType, ReactionOutput, Rejected,
};
use crate::declare::tables::{Tables, Unready};
use crate::wire::dead_letter::Reason;

/// What kind of step a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HandlerKind {
    /// A caller's command.
    Command,
    /// A reaction that moves the story on.
    Reaction,
    /// A compensation.
    Compensation,
    /// Something done to the world outside.
    Effect,
    /// What the service itself does with an answer of its effect.
    Then,
}

impl HandlerKind {
    pub(crate) fn receives_messages(self) -> bool {
        matches!(self, Self::Reaction | Self::Compensation)
    }
}

/// A received message, a command or a death, as its step knows it.
pub(crate) type ErasedInput = Box<dyn Any + Send + Sync>;
/// What a command's caller is answered with: its row.
pub(crate) type ErasedReply = Box<dyn Any + Send>;

/// What came of calling a step.
pub(crate) struct Reacted {
    pub outgoing: Vec<OutgoingMessage>,
    /// The row that the caller of a command is answered with, and the same as JSON.
    pub reply: Option<(ErasedReply, String)>,
    pub refused: Option<Rejected>,
}

type Want = fn(&ErasedInput, &mut Tables);
type React = Box<dyn Fn(&ErasedInput, &mut Tables, CheckIdempotence) -> Result<Reacted, Unready> + Send + Sync>;

/// Whether a reaction is done a second time, on copies, to see that this changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckIdempotence(pub bool);

/// A step that receives a message or a command.
pub(crate) struct Handler {
    pub kind: HandlerKind,
    pub message: &'static str,
    pub version: u32,
    pub publishes: Vec<OutgoingType>,
    pub tables: Vec<&'static str>,
    /// Whether it can do nothing before some row is there.
    pub needs_row: bool,
    pub fallback: Option<Fallback>,
    decode: fn(&[u8], &str, Uuid, Timestamp) -> Result<ErasedInput, String>,
    want: Want,
    react: React,
}

impl Handler {
    /// The tables that it may change, also when its message has died.
    pub(crate) fn all_tables(&self) -> Vec<&'static str> {
        let fallback = self.fallback.iter().flat_map(|fallback| &fallback.tables);
        let tables: BTreeSet<_> = self.tables.iter().chain(fallback).copied().collect();
        tables.into_iter().collect()
    }

    /// Reads a payload; its key must be the one of its subject.
    pub(crate) fn decode(&self, payload: &[u8], key: &str, id: Uuid, now: Timestamp) -> Result<ErasedInput, String> {
        (self.decode)(payload, key, id, now)
    }
    pub(crate) fn want(&self, input: &ErasedInput, tables: &mut Tables) {
        (self.want)(input, tables);
    }
    pub(crate) fn react(
        &self,
        input: &ErasedInput,
        tables: &mut Tables,
        check: CheckIdempotence,
    ) -> Result<Reacted, Unready> {
        (self.react)(input, tables, check)
    }
}

fn incoming<T: 'static>(input: &ErasedInput) -> &T {
    input.downcast_ref().expect("a step opens what it receives itself")
}

fn decode<M: Message>(payload: &[u8], key: &str, id: Uuid, now: Timestamp) -> Result<ErasedInput, String> {
    let message: M = serde_json::from_slice(payload).map_err(|error| format!("the payload is unreadable: {error}"))?;
    let own = message.key().to_string();
    if own != key {
        return Err(format!("the payload's key is {own}, its subject's {key}"));
    }
    Ok(Box::new(Incoming::new(message, id, now)))
}

pub(crate) fn reaction<P, F>(kind: HandlerKind, function: F, tables: Vec<&'static str>) -> Handler
where
    F: Function<P> + Send + Sync + 'static,
    F::Input: ReactionInput,
    F::Rows: RowArguments<<F::Input as ReactionInput>::Message>,
    F::Output: ReactionOutput,
{
    type M<F, P> = <<F as Function<P>>::Input as ReactionInput>::Message;
    let mut publishes = Vec::new();
    F::Output::outgoing_types(&mut publishes);
    Handler {
        kind,
        message: M::<F, P>::NAME,
        version: M::<F, P>::VERSION,
        publishes,
        tables,
        needs_row: <F::Rows as RowArguments<M<F, P>>>::REQUIRED,
        fallback: None,
        decode: decode::<M<F, P>>,
        want: |input, tables| <F::Rows as RowArguments<M<F, P>>>::want(&**incoming::<Incoming<M<F, P>>>(input), tables),
        react: Box::new(move |input, tables, check| {
            let incoming = incoming::<Incoming<M<F, P>>>(input);
            let mut rows = <F::Rows as RowArguments<M<F, P>>>::take(&**incoming, tables)?;
            let before = check.0.then(|| rows.clone());
            let (keep, outgoing) = call(&function, F::Input::of(incoming), &mut rows)?;
            if let Some(before) = before {
                check_idempotence(
                    M::<F, P>::NAME,
                    &function,
                    F::Input::of(incoming),
                    if keep { &rows } else { &before },
                    keep,
                    &outgoing,
                );
            }
            if keep {
                rows.put(&**incoming, tables);
            }
            Ok(Reacted { outgoing, reply: None, refused: None })
        }),
    }
}

fn call<P, F: Function<P>>(
    function: &F,
    receives: &F::Input,
    rows: &mut F::Rows,
) -> Result<(bool, Vec<OutgoingMessage>), Unready>
where
    F::Output: ReactionOutput,
{
    let mut collector = Collector::default();
    let keep = function.call(receives, rows).collect(&mut collector);
    Ok((keep, collector.finish()?))
}

/// The law: a reaction done twice changes no row and says nothing the second time; a refusal is the same again.
fn check_idempotence<P, F>(
    name: &str,
    function: &F,
    receives: &F::Input,
    after: &F::Rows,
    kept: bool,
    first: &[OutgoingMessage],
) where
    F: Function<P>,
    F::Output: ReactionOutput,
    F::Rows: Clone + PartialEq,
{
    let mut again = after.clone();
    let (keep, outgoing) = call(function, receives, &mut again).unwrap_or((true, Vec::new()));
    let harmless = if kept { outgoing.is_empty() && (!keep || again == *after) } else { !keep && outgoing == first };
    assert!(
        harmless,
        "the reaction to {name} breaks the law: done a second time it {}",
        if outgoing.is_empty() { "changes its rows" } else { "says something again" }
    );
}

pub(crate) fn command<P, F>(function: F, tables: Vec<&'static str>) -> Handler
where
    F: Function<P> + Send + Sync + 'static,
    F::Input: ReactionInput,
    <F::Input as ReactionInput>::Message: Command,
    F::Rows: RowArguments<<F::Input as ReactionInput>::Message>
        + RepliesWith<<<F::Input as ReactionInput>::Message as Command>::Row>,
    F::Output: CommandOutput,
{
    type M<F, P> = <<F as Function<P>>::Input as ReactionInput>::Message;
    let mut publishes = Vec::new();
    F::Output::outgoing_types(&mut publishes);
    Handler {
        kind: HandlerKind::Command,
        message: M::<F, P>::NAME,
        version: M::<F, P>::VERSION,
        publishes,
        tables,
        needs_row: <F::Rows as RowArguments<M<F, P>>>::REQUIRED,
        fallback: None,
        decode: decode::<M<F, P>>,
        want: |input, tables| <F::Rows as RowArguments<M<F, P>>>::want(&**incoming::<Incoming<M<F, P>>>(input), tables),
        react: Box::new(move |input, tables, _| {
            let incoming = incoming::<Incoming<M<F, P>>>(input);
            let mut rows = <F::Rows as RowArguments<M<F, P>>>::take(&**incoming, tables)?;
            let mut collector = Collector::default();
            let done = function.call(F::Input::of(incoming), &mut rows).reply(&mut collector);
            if let Err(refused) = done {
                return Ok(Reacted { outgoing: Vec::new(), reply: None, refused: Some(refused) });
            }
            let reply = RepliesWith::<<M<F, P> as Command>::Row>::reply(&rows).map(|row| {
                let json = serde_json::to_string(row).unwrap_or_else(|error| panic!("the answer is no JSON: {error}"));
                (Box::new(row.clone()) as ErasedReply, json)
            });
            let outgoing = collector.finish()?;
            rows.put(&**incoming, tables);
            Ok(Reacted { outgoing, reply, refused: None })
        }),
    }
}

/// What is done when a step's message has died.
pub(crate) struct Fallback {
    pub publishes: Vec<OutgoingType>,
    pub tables: Vec<&'static str>,
    decode: fn(&str, Reason, &str, Uuid, Timestamp) -> Option<ErasedInput>,
    want: Want,
    react: React,
}

impl Fallback {
    pub(crate) fn new<P, M, F>(function: F, tables: Vec<&'static str>) -> Self
    where
        M: Message,
        F: Function<P, Input = Dead<M>> + Send + Sync + 'static,
        F::Rows: RowArguments<Dead<M>>,
        F::Output: Outgoing,
    {
        let mut publishes = Vec::new();
        <F::Output as Outgoing>::outgoing_types(&mut publishes);
        Self {
            publishes,
            tables,
            decode: |key, reason, detail, id, now| {
                let key = key.parse().ok()?;
                Some(Box::new(Dead::<M>::new(key, reason, detail, id, now)))
            },
            want: |input, tables| F::Rows::want(incoming::<Dead<M>>(input), tables),
            react: Box::new(move |input, tables, _| {
                let dead = incoming::<Dead<M>>(input);
                let mut rows = F::Rows::take(dead, tables)?;
                let mut collector = Collector::default();
                Outgoing::collect(function.call(dead, &mut rows), &mut collector);
                let outgoing = collector.finish()?;
                rows.put(dead, tables);
                Ok(Reacted { outgoing, reply: None, refused: None })
            }),
        }
    }

    /// The death as its function is told it; nothing if the key can't be read.
    pub(crate) fn decode(
        &self,
        key: &str,
        reason: Reason,
        detail: &str,
        id: Uuid,
        now: Timestamp,
    ) -> Option<ErasedInput> {
        (self.decode)(key, reason, detail, id, now)
    }
    pub(crate) fn want(&self, input: &ErasedInput, tables: &mut Tables) {
        (self.want)(input, tables);
    }
    pub(crate) fn react(&self, input: &ErasedInput, tables: &mut Tables) -> Result<Reacted, Unready> {
        (self.react)(input, tables, CheckIdempotence(false))
    }
}
