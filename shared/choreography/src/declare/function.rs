//! The shape of reactions, command handlers and fallbacks, and which rows each of them may take.
//!
//! [`Function`] has no bounds of its own: those are on the methods of [`Choreography`](crate::Choreography), so that
//! the compiler's errors are about the function that a user wrote.

use crate::declare::incoming::Dead;
use crate::declare::input::ReactionInput;
use crate::declare::message::{Command, Message};
use crate::declare::row::{Row, Rows};

/// A function of a message and up to three rows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not have the shape of a reaction",
    label = "it must be `fn(&M)` or `fn(&M, &mut …)` with up to three rows, and not async",
    note = "a function that waits for the outside world is an `.effect`"
)]
pub trait Function<P> {
    /// The type of the first parameter, without the `&`.
    type Input;
    /// The types of the rows, as a tuple, without the `&mut`.
    type Rows;
    /// The return type.
    type Output;
    /// Calls the function.
    fn call(&self, input: &Self::Input, rows: &mut Self::Rows) -> Self::Output;
}

/// The message that a function receives.
pub(crate) type MessageOf<F, P> = <<F as Function<P>>::Input as ReactionInput>::Message;

macro_rules! function {
    ($($row:ident $at:tt)*) => {
        impl<F, I, O, $($row),*> Function<fn(I, $($row),*) -> O> for F
        where
            F: Fn(&I, $(&mut $row),*) -> O,
        {
            type Input = I;
            type Rows = ($($row,)*);
            type Output = O;
            #[allow(unused_variables)]
            fn call(&self, input: &I, rows: &mut ($($row,)*)) -> O {
                self(input, $(&mut rows.$at),*)
            }
        }
    };
}
function!();
function!(A 0);
function!(A 0 B 1);
function!(A 0 B 1 C 2);

/// Rows of which none has to exist: those of compensations and fallbacks.
#[diagnostic::on_unimplemented(
    message = "a compensation or fallback can't need `{Self}` to exist",
    label = "take `&mut Option<S>` or `&mut Rows<S>`",
    note = "a compensation may overtake its step: it then writes a tombstone, and the step finds it and does nothing"
)]
pub trait MayBeMissing {}

impl<S: Row> MayBeMissing for Option<S> {}
impl<S: Row, O> MayBeMissing for Rows<S, O> {}
impl MayBeMissing for () {}
impl<A: MayBeMissing> MayBeMissing for (A,) {}
impl<A: MayBeMissing, B: MayBeMissing> MayBeMissing for (A, B) {}
impl<A: MayBeMissing, B: MayBeMissing, C: MayBeMissing> MayBeMissing for (A, B, C) {}

/// The rows of a command handler, of which the first is the row that the caller gets.
#[diagnostic::on_unimplemented(
    message = "`{C}` replies with a row that its function does not take first",
    label = "the first row must be `&mut S` or `&mut Option<S>`, with the `row = S` of `#[command(…)]`"
)]
pub trait RepliesTo<C: Command> {
    /// Returns the row for the caller; none if the command left none.
    #[doc(hidden)]
    fn reply(&self) -> Option<&C::Row>;
}

/// The first row of a command handler.
#[diagnostic::on_unimplemented(
    message = "a command that replies with `{S}` must take it first, and this one takes `{Self}`",
    label = "the first row must be `&mut {S}` or `&mut Option<{S}>`, with the `row = {S}` of `#[command(…)]`"
)]
pub trait FirstRow<S> {
    /// Returns the row, if there is one.
    #[doc(hidden)]
    fn row(&self) -> Option<&S>;
}

#[diagnostic::do_not_recommend]
impl<S: Row> FirstRow<S> for S {
    fn row(&self) -> Option<&S> {
        Some(self)
    }
}
#[diagnostic::do_not_recommend]
impl<S: Row> FirstRow<S> for Option<S> {
    fn row(&self) -> Option<&S> {
        self.as_ref()
    }
}

/// No row. With a second implementation the compiler does not infer the command's row from the function, and so reports
/// a wrong function in the words above.
#[doc(hidden)]
#[derive(Debug)]
pub enum NoRow {}

#[diagnostic::do_not_recommend]
impl<S: Row> FirstRow<NoRow> for S {
    fn row(&self) -> Option<&NoRow> {
        None
    }
}
#[diagnostic::do_not_recommend]
impl<S: Row> FirstRow<NoRow> for Option<S> {
    fn row(&self) -> Option<&NoRow> {
        None
    }
}

macro_rules! replies_to {
    ($($row:ident)*) => {
        impl<C: Command, A: FirstRow<C::Row>, $($row),*> RepliesTo<C> for (A, $($row,)*) {
            fn reply(&self) -> Option<&C::Row> {
                self.0.row()
            }
        }
    };
}
replies_to!();
replies_to!(B);
replies_to!(B D);

/// Does nothing. It is the fallback for a message whose death needs no compensation:
/// `.fallback(nothing::<OrderUpdated>)`.
pub fn nothing<M: Message>(_: &Dead<M>) {}
