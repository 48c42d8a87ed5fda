//! A fault that a test switches on: a reaction or an effect panics, or aborts the process. Every build has it, but a
//! release build does not start with one.

use std::str::FromStr;

/// A fault in the reaction to one message: `panic:<message>:<text in its payload>`, or `abort:…`; in its effect:
/// `panic-effect:…`, or `abort-effect:…`.
///
/// A release build refuses to start with one: [`StartError::FaultInRelease`](crate::StartError::FaultInRelease).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    aborts: bool,
    function: FaultyFunction,
    message: String,
    text: String,
}

/// Which function of a message has the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultyFunction {
    Reaction,
    Effect,
}

/// A text that is no [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no fault: write panic:<message>:<text in its payload> or abort:<message>:<text in its payload>, for an \
     effect panic-effect:… or abort-effect:…"
)]
#[non_exhaustive]
pub struct InvalidFault {
    /// The text.
    pub text: String,
}

impl Fault {
    /// Panics or aborts, if the fault is meant for this function of this message.
    pub(crate) fn strike(&self, function: FaultyFunction, message: &str, payload: &[u8]) {
        let text = self.text.as_bytes();
        let is_meant = function == self.function && message == self.message;
        if !is_meant || !payload.windows(text.len().max(1)).any(|part| part == text) {
            return;
        }
        if self.aborts {
            std::process::abort();
        }
        panic!("the fault that is set for {message}");
    }
}

impl FromStr for Fault {
    type Err = InvalidFault;
    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let mut parts = text.splitn(3, ':').map(str::to_owned);
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let invalid = || InvalidFault { text: text.to_owned() };
        let (Some(kind), Some(message), Some(text)) = (part(), part(), part()) else { return Err(invalid()) };
        let (aborts, function) = match kind.as_str() {
            "panic" => (false, FaultyFunction::Reaction),
            "abort" => (true, FaultyFunction::Reaction),
            "panic-effect" => (false, FaultyFunction::Effect),
            "abort-effect" => (true, FaultyFunction::Effect),
            _ => return Err(invalid()),
        };
        Ok(Self { aborts, function, message, text })
    }
}

#[cfg(test)]
mod tests {
    use super::FaultyFunction::{Effect, Reaction};
    use super::*;

    #[test]
    fn a_fault_strikes_only_the_function_and_the_message_that_it_is_meant_for() {
        let fault: Fault = "panic:write:ink: red".parse().unwrap();
        fault.strike(Reaction, "strike", b"ink: red");
        fault.strike(Reaction, "write", b"ink: blue");
        fault.strike(Effect, "write", b"ink: red");
        assert!(std::panic::catch_unwind(|| fault.strike(Reaction, "write", b"the ink: red, today")).is_err());
        let fault: Fault = "panic-effect:write:ink: red".parse().unwrap();
        fault.strike(Reaction, "write", b"ink: red");
        assert!(std::panic::catch_unwind(|| fault.strike(Effect, "write", b"ink: red")).is_err());
        for text in ["", "panic", "panic:write", "panic:write:", "stop:write:ink", "effect:write:ink"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
