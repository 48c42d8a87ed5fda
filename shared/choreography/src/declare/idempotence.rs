//! The idempotence check: a function is called a second time, on the rows that its first call has left.

use std::fmt::Arguments;

use crate::declare::outgoing::OutgoingMessage;
use crate::declare::unready::Unready;

/// What a call returns: whether the rows are kept, and the messages.
pub(crate) type CallResult = Result<(bool, Vec<OutgoingMessage>), Unready>;

/// Calls a function a second time. If its first call has kept its rows, it must change none and publish nothing; if not,
/// it must refuse with the same messages, `first`.
///
/// # Panics
/// If it does not. `what` says which function it is.
pub(crate) fn check_idempotence<R: Clone + PartialEq>(
    what: Arguments<'_>,
    after: &R,
    (kept, first): (bool, &[OutgoingMessage]),
    call: impl FnOnce(&mut R) -> CallResult,
) {
    let mut again = after.clone();
    let (kept_again, outgoing) = call(&mut again).unwrap_or((true, Vec::new()));
    let idempotent =
        if kept { outgoing.is_empty() && (!kept_again || again == *after) } else { !kept_again && outgoing == first };
    assert!(
        idempotent,
        "{what} is not idempotent: called a second time it {}",
        if outgoing.is_empty() { "changes its rows" } else { "publishes something again" }
    );
}
