//! The text of a caught panic, as it is written in dead letters and errors.

use std::any::Any;

/// Returns the text of a panic: `panicked: <message>`.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a message"))
}
