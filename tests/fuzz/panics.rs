//! Panics as the outcome of a check: while an input is made smaller there are many, and only the last is shown.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// The client of the message server: it ends its connection where it panics, and the connection is lost.
const CLIENT: &str = "/async-nats-";

/// How reactions let a message die that contradicts their rows, by a panic.
const CONTRADICTIONS: [&str; 3] = [
    "the wallet has taken something else than was requested",
    "the confirmed payment is not the order's payment",
    "the paid amount is not the order's total",
];

thread_local! {
    /// Whether panics of this thread are caught.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// The first panic of a check, with its place: the others follow from it.
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls a function. Returns its first panic with its place, also one that the function itself has caught; none if
/// there was none.
pub(crate) fn panic_of(function: impl FnOnce()) -> Option<String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let shown = take_hook();
        set_hook(Box::new(move |panic| match CAUGHT.get() {
            true if panic.location().is_some_and(|place| place.file().contains(CLIENT)) => {}
            true if CONTRADICTIONS.iter().any(|known| panic.to_string().contains(known)) => {}
            true => FIRST.with_borrow_mut(|first| {
                first.get_or_insert_with(|| panic.to_string());
            }),
            false => shown(panic),
        }));
    });
    CAUGHT.set(true);
    // A check that fails is started anew: nothing that a panic may have broken is used again.
    let failed = catch_unwind(AssertUnwindSafe(function)).is_err();
    CAUGHT.set(false);
    let first = FIRST.with_borrow_mut(Option::take);
    if failed { first.or_else(|| Some("a panic without a text".to_owned())) } else { first }
}
