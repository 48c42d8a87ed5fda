//! What a reaction may say. Its return type is the complete list: the map of the choreography is drawn from it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::declare::message::{Due, Message, Scheduled};
use crate::declare::tables::Unready;
use crate::wire::subject::check_key;

/// One thing that a reaction may say, as the map knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutgoingType {
    /// The message's name.
    pub name: &'static str,
    /// Whether it is said later, to itself or others.
    pub later: bool,
    /// Whether it undoes what another one did.
    pub compensation: bool,
}

/// Something said by a reaction, before it has an envelope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OutgoingMessage {
    pub name: &'static str,
    pub version: u32,
    pub key: String,
    pub payload: String,
    pub due: Option<Due>,
}

/// A message's payload is at most so large, in bytes: what is longer belongs somewhere else, and is referred to.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1_024;

/// Collects what a reaction says.
#[derive(Debug, Default)]
pub struct Collector {
    pub(crate) outgoing: Vec<OutgoingMessage>,
    unpublishable: Option<Unready>,
}

impl Collector {
    fn collect<M: Message>(&mut self, message: &M, due: Option<Due>) {
        let payload = serde_json::to_string(message)
            .unwrap_or_else(|error| panic!("{} can't be written as JSON: {error}", M::NAME));
        if payload.len() > PAYLOAD_BYTES_MAX {
            let (name, bytes) = (M::NAME, payload.len());
            let detail = format!("{name} would be {bytes} bytes; a message has at most {PAYLOAD_BYTES_MAX}");
            self.unpublishable = Some(Unready::TooLarge(detail));
        }
        let key = message.key().to_string();
        if let Err(invalid) = check_key(&key) {
            self.unpublishable = Some(Unready::InvalidKey(M::NAME, invalid));
        }
        self.outgoing.push(OutgoingMessage { name: M::NAME, version: M::VERSION, key, payload, due });
    }

    /// What was said, if a message can carry it.
    pub(crate) fn finish(self) -> Result<Vec<OutgoingMessage>, Unready> {
        match self.unpublishable {
            Some(problem) => Err(problem),
            None => Ok(self.outgoing),
        }
    }
}

/// What can be said: nothing, a message, one for [`Scheduled`], and options, lists and tuples of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be said",
    label = "a reaction returns `()`, a message, `Later<M>`, or `Option`, `Vec` and tuples of these",
    note = "only at the top may it be a `Result`: `Ok` goes on, `Err` leaves the rows as they were"
)]
pub trait Outgoing {
    /// Says it.
    #[doc(hidden)]
    fn collect(self, collector: &mut Collector);
    /// Everything that this type could say.
    #[doc(hidden)]
    fn outgoing_types(publishes: &mut Vec<OutgoingType>);
}

impl<M: Message> Outgoing for M {
    fn collect(self, collector: &mut Collector) {
        collector.collect(&self, None);
    }
    fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
        publishes.push(OutgoingType { name: M::NAME, later: false, compensation: M::UNDO });
    }
}

impl<M: Message> Outgoing for Scheduled<M> {
    fn collect(self, collector: &mut Collector) {
        collector.collect(&self.message, Some(self.due));
    }
    fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
        publishes.push(OutgoingType { name: M::NAME, later: true, compensation: M::UNDO });
    }
}

impl<W: Outgoing> Outgoing for Option<W> {
    fn collect(self, collector: &mut Collector) {
        if let Some(publishes) = self {
            publishes.collect(collector);
        }
    }
    fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
        W::outgoing_types(publishes);
    }
}

impl<W: Outgoing> Outgoing for Vec<W> {
    fn collect(self, collector: &mut Collector) {
        for publishes in self {
            publishes.collect(collector);
        }
    }
    fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
        W::outgoing_types(publishes);
    }
}

macro_rules! words_of_tuples {
    ($($name:ident)*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<$($name: Outgoing),*> Outgoing for ($($name,)*) {
            fn collect(self, collector: &mut Collector) {
                let ($($name,)*) = self;
                $($name.collect(collector);)*
            }
            fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
                $($name::outgoing_types(publishes);)*
            }
        }
    };
}
words_of_tuples!();
words_of_tuples!(A B);
words_of_tuples!(A B C);
words_of_tuples!(A B C D);

/// What a reaction returns: [`Outgoing`], or a `Result` of two kinds of them.
///
/// `Err` is a refusal: it says its words and leaves the rows as they were.
#[diagnostic::on_unimplemented(
    message = "a reaction can't return `{Self}`",
    label = "it returns `()`, a message, `Later<M>`, `Option`, `Vec` and tuples of these, or a `Result` of two of them",
    note = "whatever can fail and be tried again is an `.effect`; a reaction decides"
)]
pub trait ReactionOutput {
    /// Says it; whether the changed rows are kept.
    #[doc(hidden)]
    fn collect(self, collector: &mut Collector) -> bool;
    /// Everything that this type could say.
    #[doc(hidden)]
    fn outgoing_types(publishes: &mut Vec<OutgoingType>);
}

impl<W: Outgoing> ReactionOutput for W {
    fn collect(self, collector: &mut Collector) -> bool {
        Outgoing::collect(self, collector);
        true
    }
    fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
        W::outgoing_types(publishes);
    }
}

impl<G: Outgoing, R: Outgoing> ReactionOutput for Result<G, R> {
    fn collect(self, collector: &mut Collector) -> bool {
        match self {
            Ok(go) => {
                go.collect(collector);
                true
            }
            Err(refusal) => {
                refusal.collect(collector);
                false
            }
        }
    }
    fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
        G::outgoing_types(publishes);
        R::outgoing_types(publishes);
    }
}

/// A command that can't be done as things stand. Nothing changes; the caller learns why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// What kind of refusal this is, for programs, in kebab case: `payment-expired`.
    pub code: String,
    /// What is in the way and what can be done about it, for people.
    pub detail: String,
}

impl Rejected {
    /// A refusal.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Rejected {}

/// What a command returns: [`Outgoing`], or `Result<Outgoing, Rejected>`.
#[diagnostic::on_unimplemented(
    message = "a command can't return `{Self}`",
    label = "it returns what it says, or `Result<what it says, Refused>`"
)]
pub trait CommandOutput {
    /// Says it, or refuses.
    #[doc(hidden)]
    fn reply(self, collector: &mut Collector) -> Result<(), Rejected>;
    /// Everything that this type could say.
    #[doc(hidden)]
    fn outgoing_types(publishes: &mut Vec<OutgoingType>);
}

impl<W: Outgoing> CommandOutput for W {
    fn reply(self, collector: &mut Collector) -> Result<(), Rejected> {
        self.collect(collector);
        Ok(())
    }
    fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
        W::outgoing_types(publishes);
    }
}

impl<W: Outgoing> CommandOutput for Result<W, Rejected> {
    fn reply(self, collector: &mut Collector) -> Result<(), Rejected> {
        self.map(|publishes| publishes.collect(collector))
    }
    fn outgoing_types(publishes: &mut Vec<OutgoingType>) {
        W::outgoing_types(publishes);
    }
}
