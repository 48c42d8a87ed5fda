//! How hints write the commands that a person can type next.

use std::str::FromStr;

/// How a person calls this tool: directly, or through make. `%` is replaced by the command and its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Invocation(String);

impl FromStr for Invocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('%') { Ok(Self(text.to_owned())) } else { Err("there is no % for the command".to_owned()) }
    }
}

impl Invocation {
    /// Returns what to type for a command.
    pub(crate) fn of(&self, command: &str) -> String {
        self.0.replacen('%', command, 1)
    }
}

/// Returns the text if it means the same to every shell without quotes; none if it has to be quoted.
pub(crate) fn unquoted(text: &str) -> Option<&str> {
    let is_literal = |character: char| character.is_alphanumeric() || "-_./:".contains(character);
    (!text.is_empty() && text.chars().all(is_literal)).then_some(text)
}
