//! What a command gives back: text for people, JSON for scripts, and an exit code for both.

use std::io::{ErrorKind, Write, stdout};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Error, Result};
use serde_json::Value;

/// How it ended. The numbers are documented in `--help`; 1 is for errors and 2 for what was typed wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is done.
    Done = 0,
    /// Nothing matched.
    NothingMatched = 3,
    /// Not everything was done.
    NotAll = 4,
}

/// What a command gives back.
pub(crate) struct Output {
    /// For people.
    pub(crate) text: String,
    /// For scripts.
    pub(crate) json: Value,
    /// How it ended.
    pub(crate) ending: Ending,
    /// What broke it off, if anything did: what was done by then is told all the same.
    pub(crate) failure: Option<Error>,
}

impl Output {
    /// An output of something that went to its end.
    pub(crate) fn new(text: String, json: Value, ending: Ending) -> Self {
        Self { text, json, ending, failure: None }
    }

    /// Writes it out.
    ///
    /// # Errors
    /// What broke it off, or why it can't be written.
    pub(crate) fn write(self, json: bool) -> Result<ExitCode> {
        let text = if json { format!("{:#}\n", self.json) } else { self.text };
        match stdout().write_all(text.as_bytes()) {
            // Whoever reads it has seen enough, as `head` does.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written?,
        }
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(ExitCode::from(self.ending as u8)),
        }
    }
}

/// How a person types the commands: directly, or through make.
#[derive(Debug, Clone)]
pub(crate) struct Typed(String);

impl FromStr for Typed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('%') { Ok(Self(text.to_owned())) } else { Err("there is no % for the command".to_owned()) }
    }
}

impl Typed {
    /// What to type for a command.
    pub(crate) fn command(&self, command: &str) -> String {
        self.0.replacen('%', command, 1)
    }
}

/// An argument that means the same to every shell; none if it has to be quoted, which is better done by hand.
pub(crate) fn argument(text: &str) -> Option<&str> {
    let harmless = |letter: char| letter.is_alphanumeric() || "-_./:".contains(letter);
    (!text.is_empty() && text.chars().all(harmless)).then_some(text)
}
