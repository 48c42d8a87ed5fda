//! A fault that a test switches on: one reaction panics, or takes the process with it. Builds without debug assertions
//! don't have it.

use std::str::FromStr;

/// What fails: the reaction to messages of this name whose payload contains this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    aborts: bool,
    message: String,
    text: String,
}

impl Fault {
    /// Fails, if it is switched on for this message.
    pub(crate) fn strike(&self, message: &str, payload: &[u8]) {
        let text = self.text.as_bytes();
        if message != self.message || !payload.windows(text.len().max(1)).any(|part| part == text) {
            return;
        }
        if self.aborts {
            std::process::abort();
        }
        panic!("the fault that was switched on for {message}");
    }
}

/// `panic:<message>:<text in its payload>`, or `abort:…`.
impl FromStr for Fault {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':').map(str::to_owned);
        let mut part = || parts.next().filter(|part| !part.is_empty());
        match (part().as_deref(), part(), part()) {
            (Some(kind @ ("panic" | "abort")), Some(message), Some(text)) => {
                Ok(Self { aborts: kind == "abort", message, text })
            }
            _ => Err(format!("{text:?} is no fault: panic:<message>:<text in its payload>, or abort:…")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_what_it_is_meant_for_only() {
        let fault: Fault = "panic:write:ink: red".parse().unwrap();
        fault.strike("strike", b"ink: red");
        fault.strike("write", b"ink: blue");
        assert!(std::panic::catch_unwind(|| fault.strike("write", b"the ink: red, today")).is_err());
        for text in ["", "panic", "panic:write", "panic:write:", "stop:write:ink"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
