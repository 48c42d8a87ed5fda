//! The first parameter of a function: what it may be, and which roles a method of the builder takes.

use crate::declare::incoming::{Dead, Incoming};
use crate::declare::message::Message;
use crate::declare::role::{Compensation, Forward};

/// The first parameter of a reaction, command handler or effect, without its `&`: `M`, or `Incoming<M>` for one that
/// needs the time or ids.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    label = "the first parameter must be `&M` or `&Incoming<M>` with a message `M`",
    note = "derive `choreography::Message` or `choreography::Command` for `{Self}`"
)]
pub trait ReactionInput: 'static {
    /// The message.
    type Message: Message;
    /// Returns the parameter for a message.
    fn of(incoming: &Incoming<Self::Message>) -> &Self;
}

#[diagnostic::do_not_recommend]
impl<M: Message> ReactionInput for M {
    type Message = M;
    fn of(incoming: &Incoming<M>) -> &M {
        incoming
    }
}

impl<M: Message> ReactionInput for Incoming<M> {
    type Message = M;
    fn of(incoming: &Incoming<M>) -> &Incoming<M> {
        incoming
    }
}

/// The first parameter of a fallback, without its `&`: `Dead<M>`.
#[diagnostic::on_unimplemented(
    message = "a fallback does not receive `{Self}`",
    label = "the first parameter of a fallback must be `&Dead<M>`, with the message `M` that has died",
    note = "a message may die because it is unreadable: `Dead` has its key, and why it died"
)]
pub trait FallbackInput: 'static {
    /// The message.
    type Message: Message;
    /// Returns the parameter for a dead message.
    fn of(dead: &Dead<Self::Message>) -> &Self;
}

impl<M: Message> FallbackInput for Dead<M> {
    type Message = M;
    fn of(dead: &Dead<M>) -> &Dead<M> {
        dead
    }
}

/// A message that [`Choreography::on`](crate::Choreography::on) receives: a step or an event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a compensation, and `.on` receives steps and events",
    label = "receive a compensation with `.compensate`",
    note = "if `{Self}` compensates nothing, its role is `step` or `event`"
)]
pub trait IsStepOrEvent: Message {}

#[diagnostic::do_not_recommend]
impl<M: Message<Role: Forward>> IsStepOrEvent for M {}

/// A message that [`Choreography::compensate`](crate::Choreography::compensate) receives: a compensation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a compensation, and `.compensate` receives nothing else",
    label = "receive a step or an event with `.on`",
    note = "if `{Self}` undoes what a step did, its role is `compensation`"
)]
pub trait IsCompensation: Message {}

#[diagnostic::do_not_recommend]
impl<M: Message<Role = Compensation>> IsCompensation for M {}
