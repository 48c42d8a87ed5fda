//! Contains panics in what a service's types and functions do: each concerns one message or row only.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How the text of a panic begins.
pub(crate) const PANICKED: &str = "panicked: ";

/// Runs what a service has written.
///
/// # Errors
/// The text of its panic.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| panic_text(panic.as_ref()))
}

/// Returns the text of a panic, as it is written in dead letters and errors: `panicked: <message>`.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    format!("{PANICKED}{}", panic_message(panic))
}

/// Returns what a panic says.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
