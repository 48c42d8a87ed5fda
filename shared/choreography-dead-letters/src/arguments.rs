//! The command line, with its help texts.

use std::ops::RangeInclusive;
use std::time::Duration;

use choreography::dead_letters::Filter;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, value_parser};

use crate::invocation::Invocation;
use crate::moment::wait;
use crate::selection::{DropSelection, ListSelection, ReplaySelection};

const AFTER_HELP: &str = include_str!("after_help.txt");

/// How many dead letters a list may have: more than a person reads.
const LIMITS: RangeInclusive<i64> = 1..=100_000;

/// How many messages may be published in a second: services do their ordinary work at the same time.
const RATES: RangeInclusive<i64> = 1..=1_000;

/// The most characters in the reason of a drop: it is a header, and the size of headers is bounded.
const REASON_CHARACTERS_MAX: usize = 200;

/// Lists, shows, replays and drops dead letters
///
/// A message that can't be processed dies: its service puts it into the stream DEAD_LETTERS, with the reason. Look at
/// the `groups`, `show` one of their dead letters, fix the cause, and `replay` the dead letters, or `drop` those that
/// must not be processed any more. The service where the message died does it, and records the outcome.
#[derive(Debug, Parser)]
#[command(name = "dead-letters", after_long_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) server: Server,
    /// Write one JSON document instead of text
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// How hints write the commands; `%` is replaced by the command and its arguments
    #[arg(long, global = true, hide = true, env = "DEAD_LETTERS_INVOCATION", default_value = "dead-letters %")]
    pub(crate) invocation: Invocation,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "The message server")]
pub(crate) struct Server {
    /// The message server; several, separated by commas, are tried one after the other
    #[arg(long, global = true, env = "NATS_URL", default_value = "nats://127.0.0.1:4222", hide_env_values = true)]
    pub(crate) nats_url: String,
    /// A user who may read both streams and publish to them
    #[arg(long, global = true, default_value = "admin")]
    pub(crate) nats_user: String,
    /// Its password; the default is for development only
    #[arg(long, global = true, env = "ADMIN_PASSWORD", default_value = "admin-dev", hide_env_values = true)]
    pub(crate) nats_password: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the dead letters that are open, in the order of the stream
    List(ListArguments),
    /// Count the dead letters by their cause, the fingerprint
    Groups(ListSelection),
    /// Show one dead letter: payload, headers, records of repairs, and the story that led to the death
    Show {
        /// The dead letter's number in the stream DEAD_LETTERS, from 1 on
        #[arg(value_parser = value_parser!(u64).range(1..))]
        sequence: u64,
    },
    /// Have the services where messages died process them again, in the order of the stream
    Replay(ReplayArguments),
    /// Have the services where messages died drop them, in the order of the stream
    Drop(DropArguments),
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    pub(crate) selection: ListSelection,
    /// How many of the last are shown
    #[arg(long, help_heading = "Which dead letters", default_value_t = 100, value_parser = value_parser!(u32).range(LIMITS))]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ReplayArguments {
    #[command(flatten)]
    pub(crate) selection: ReplaySelection,
    #[command(flatten)]
    pub(crate) repair: RepairArguments,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct DropArguments {
    #[command(flatten)]
    pub(crate) selection: DropSelection,
    /// Why they are dropped; it is kept with each of them
    #[arg(long, value_parser = reason, help_heading = "How")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) repair: RepairArguments,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "How")]
pub(crate) struct RepairArguments {
    /// Show what would be done, and publish nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also those that are handled; their services refuse to process them a second time
    #[arg(long)]
    pub(crate) again: bool,
    /// The most dead letters in a second
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(RATES))]
    pub(crate) rate: u32,
    /// How long to wait for the services after the last dead letter
    #[arg(long, default_value = "10s", value_parser = wait)]
    pub(crate) wait: Duration,
}

impl Arguments {
    /// Returns the command line's arguments. Ends the process after `--help`, and after an error that it explains.
    pub(crate) fn read() -> Self {
        let arguments = Self::parse();
        if arguments.is_vague() {
            let which = "name the dead letters: by their numbers, or by --fingerprint, --service, --message, --key, \
                         --since, --until, or --died-of";
            Self::command().error(ErrorKind::MissingRequiredArgument, which).exit()
        }
        arguments
    }

    /// Whether a repair names no dead letters: a forgotten option must not replay or drop all of them.
    fn is_vague(&self) -> bool {
        let filter = match &self.command {
            Command::Replay(replay) => replay.selection.filter(),
            Command::Drop(drop) => drop.selection.filter(),
            Command::List(_) | Command::Groups(_) | Command::Show { .. } => return false,
        };
        filter == Filter::default()
    }
}

/// Reads the reason of a drop.
fn reason(text: &str) -> Result<String, String> {
    let words = text.trim();
    if words.is_empty() || words.chars().count() > REASON_CHARACTERS_MAX || words.contains(char::is_control) {
        return Err(format!("write one line of at most {REASON_CHARACTERS_MAX} characters"));
    }
    Ok(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn repair_names_its_dead_letters_either_by_number_or_by_filter() {
        let parsed = |line: &str| {
            let arguments = Arguments::try_parse_from(line.split(' '));
            arguments.is_ok_and(|arguments| !arguments.is_vague())
        };
        for good in ["replay 1 2", "replay --since 2h", "replay --reason poison", "drop 1 --reason old"] {
            assert!(parsed(&format!("dead-letters {good}")), "{good}");
        }
        for bad in [
            "replay",
            "drop --reason old",
            "replay 1 --service a",
            "replay 1 --reason poison",
            "drop 1",
            "show",
            "show 0",
        ] {
            assert!(!parsed(&format!("dead-letters {bad}")), "{bad}");
        }
        assert!(parsed("dead-letters drop --died-of expired --reason old"));
    }

    #[test]
    fn reason_that_no_dead_letter_has_is_refused_with_those_that_they_have() {
        for command in ["list --reason funny", "groups --died-of funny", "drop --died-of funny --reason old"] {
            let line = ["dead-letters"].into_iter().chain(command.split(' '));
            let refusal = Arguments::try_parse_from(line).expect_err(command).to_string();
            assert!(refusal.contains("expired, poison, exhausted, overdue, lost"), "{refusal}");
        }
        for reason in ["expired", "poison", "exhausted", "overdue", "lost"] {
            assert!(Arguments::try_parse_from(["dead-letters", "list", "--reason", reason]).is_ok(), "{reason}");
        }
    }
}
