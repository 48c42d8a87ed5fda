//! A fault that a test switches on: one reaction panics, or aborts the process. Every build has it, but a release build
//! does not start with one.

use std::str::FromStr;

/// A fault in the reaction to one message: `panic:<message>:<text in its payload>`, or `abort:…`.
///
/// A release build refuses to start with one: [`StartError::FaultInRelease`](crate::StartError::FaultInRelease).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    aborts: bool,
    message: String,
    text: String,
}

/// A text that is no [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no fault: write panic:<message>:<text in its payload>, or abort:<message>:<text in its payload>")]
#[non_exhaustive]
pub struct InvalidFault {
    /// The text.
    pub text: String,
}

impl Fault {
    /// Panics or aborts, if the fault is meant for this message.
    pub(crate) fn strike(&self, message: &str, payload: &[u8]) {
        let text = self.text.as_bytes();
        if message != self.message || !payload.windows(text.len().max(1)).any(|part| part == text) {
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
        match (part().as_deref(), part(), part()) {
            (Some(kind @ ("panic" | "abort")), Some(message), Some(text)) => {
                Ok(Self { aborts: kind == "abort", message, text })
            }
            _ => Err(InvalidFault { text: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_only_the_message_it_is_meant_for() {
        let fault: Fault = "panic:write:ink: red".parse().unwrap();
        fault.strike("strike", b"ink: red");
        fault.strike("write", b"ink: blue");
        assert!(std::panic::catch_unwind(|| fault.strike("write", b"the ink: red, today")).is_err());
        for text in ["", "panic", "panic:write", "panic:write:", "stop:write:ink"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
