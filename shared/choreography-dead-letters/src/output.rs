//! The output of a command: text for people, JSON for scripts, and an exit code for both.

use std::io::{ErrorKind, Write, stdout};
use std::process::ExitCode;

use anyhow::{Error, Result};
use serde_json::Value;

/// How a command ended, as its exit code. `--help` documents them; 1 is for errors, 2 for a wrong command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything is done.
    Done = 0,
    /// Nothing matched.
    NothingMatched = 3,
    /// Not everything was done.
    NotAll = 4,
}

/// The output of a command.
pub(crate) struct Output {
    /// For people.
    pub(crate) text: String,
    /// For scripts.
    pub(crate) json: Value,
    /// How it ended.
    pub(crate) ending: Ending,
    /// Why it stopped early; none if it did not. The output shows what was done by then.
    pub(crate) failure: Option<Error>,
}

impl Output {
    /// Returns the output of a command that did not stop early.
    pub(crate) fn new(text: String, json: Value, ending: Ending) -> Self {
        Self { text, json, ending, failure: None }
    }

    /// Writes it to stdout, and returns the exit code.
    ///
    /// # Errors
    /// Why the command stopped early, or why stdout can't be written.
    pub(crate) fn write(self, json: bool) -> Result<ExitCode> {
        let text = if json { format!("{:#}\n", self.json) } else { self.text };
        match stdout().write_all(text.as_bytes()) {
            // The reader has closed the pipe, as `head` does when it has enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written?,
        }
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(ExitCode::from(self.ending as u8)),
        }
    }
}
