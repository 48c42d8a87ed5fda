//! The input and the outcome of a function call, with their types erased.

use std::any::Any;

use crate::declare::outgoing::OutgoingMessage;
use crate::declare::output::Rejected;
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;

/// What a function receives: `Incoming<M>`, or `Dead<M>` for a fallback.
pub(crate) type ErasedInput = Box<dyn Any + Send + Sync>;
/// The row that the caller of a command gets.
pub(crate) type ErasedReply = Box<dyn Any + Send>;

/// Returns the input of a function as the type that its own `decode` made.
pub(crate) fn input_of<T: 'static>(input: &ErasedInput) -> &T {
    input.downcast_ref().expect("a function's input comes from its own `decode`")
}

/// The outcome of a call.
#[derive(Default)]
pub(crate) struct Reacted {
    pub outgoing: Vec<OutgoingMessage>,
    /// The row that the caller of a command gets, and the same as JSON.
    pub reply: Option<(ErasedReply, String)>,
    pub rejected: Option<Rejected>,
    /// Why the effect of the message is not run.
    pub obsolete: Option<String>,
}

pub(crate) type Want = fn(&ErasedInput, &mut Tables);
pub(crate) type ReactFunction =
    Box<dyn Fn(&ErasedInput, &mut Tables, CheckIdempotence) -> Result<Reacted, Unready> + Send + Sync>;

/// Whether a reaction is called a second time, on copies, to check that this changes and publishes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckIdempotence(pub bool);
