//! What is typed: the commands, and the words that explain them.

use std::ops::RangeInclusive;
use std::time::Duration;

use choreography::dead_letters::Filter;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, value_parser};

use crate::moment::wait;
use crate::output::Typed;
use crate::selection::{Seen, ToDrop, ToReplay};

const AFTER: &str = include_str!("after_help.txt");

/// At most so many dead letters in a list: what a person, or a terminal, can still take in.
const LIMITS: RangeInclusive<i64> = 1..=100_000;

/// At most so many replays a second. The services do their ordinary work besides.
const RATES: RangeInclusive<i64> = 1..=1_000;

/// At most so many dead letters in the reason of a drop: it travels in the message's headers, which have a bound.
const REASON_MAX: usize = 200;

/// Finds, shows and repairs what died
///
/// A message that can't be done dies: it is put into the stream DEAD_LETTERS, with the reason. Look at the `groups`,
/// `show` one of their dead letters, mend what was broken, and `replay` the dead letters, or `drop` those that should not be done
/// any more. The service where the message died does it, and answers.
#[derive(Debug, Parser)]
#[command(name = "dead-letters", after_long_help = AFTER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) server: Server,
    /// Write one JSON document instead of text
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// How the hints write what to type; `%` stands for the rest
    #[arg(long, global = true, hide = true, env = "DEAD_LETTERS_TYPED_AS", default_value = "dead-letters %")]
    pub(crate) typed: Typed,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "The message server")]
pub(crate) struct Server {
    /// The message server; several, separated by commas, are tried one after the other
    #[arg(long, global = true, env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    pub(crate) nats_url: String,
    /// A user who may read and say everything
    #[arg(long, global = true, default_value = "admin")]
    pub(crate) nats_user: String,
    /// Its password; the default is for development only
    #[arg(long, global = true, env = "ADMIN_PASSWORD", default_value = "admin-dev", hide_env_values = true)]
    pub(crate) nats_password: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the dead letters that are still to be seen to, in the order of the stream
    List(List),
    /// Count the dead letters that died of the same, by fingerprint
    Groups(Seen),
    /// Show one dead letter whole: payload, headers, what became of it, and the story that led to the death
    Show {
        /// The dead letter's number in the stream DEAD_LETTERS
        sequence: u64,
    },
    /// Have dead letters done again by the services where they died, in the order of the stream
    Replay(Replay),
    /// Have dead letters given up by the services where they died, in the order of the stream
    Drop(Drop),
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) seen: Seen,
    /// Only the last so many
    #[arg(long, help_heading = "Which dead letters", default_value_t = 100, value_parser = value_parser!(u32).range(LIMITS))]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) dead_letters: ToReplay,
    #[command(flatten)]
    pub(crate) pace: Pace,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Drop {
    #[command(flatten)]
    pub(crate) dead_letters: ToDrop,
    /// Why they are given up: kept with each of them
    #[arg(long, value_parser = reason, help_heading = "How")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) pace: Pace,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "How")]
pub(crate) struct Pace {
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also those that are handled; their services do nothing a second time, and say so
    #[arg(long)]
    pub(crate) again: bool,
    /// At most so many dead letters a second
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(RATES))]
    pub(crate) rate: u32,
    /// How long to wait for the services' answers after the last dead letter
    #[arg(long, default_value = "10s", value_parser = wait)]
    pub(crate) wait: Duration,
}

impl Arguments {
    /// Reads what was typed. Ends the process for `--help`, and for what was typed wrongly after saying why.
    pub(crate) fn read() -> Self {
        let arguments = Self::parse();
        if arguments.is_vague() {
            let which = "say which dead letters: by their numbers, or by --fingerprint, --service, --message, --order, \
                         --since, --until, or --died-of";
            Self::command().error(ErrorKind::MissingRequiredArgument, which).exit()
        }
        arguments
    }

    /// Nobody replays or drops everything by forgetting a word.
    fn is_vague(&self) -> bool {
        let filter = match &self.command {
            Command::Replay(replay) => replay.dead_letters.filter(),
            Command::Drop(drop) => drop.dead_letters.filter(),
            Command::List(_) | Command::Groups(_) | Command::Show { .. } => return false,
        };
        filter == Filter::default()
    }
}

fn reason(text: &str) -> Result<String, String> {
    let words = text.trim();
    if words.is_empty() || words.chars().count() > REASON_MAX || words.contains(char::is_control) {
        return Err(format!("write one line of at most {REASON_MAX} dead letters"));
    }
    Ok(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_contradict_neither_each_other_nor_themselves() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn replay_wants_to_know_which_letters_and_only_once() {
        let parsed = |line: &str| {
            let arguments = Arguments::try_parse_from(line.split(' '));
            arguments.is_ok_and(|arguments| !arguments.is_vague())
        };
        for good in ["replay 1 2", "replay --since 2h", "replay --reason poison", "drop 1 --reason old"] {
            assert!(parsed(&format!("dead-letters {good}")), "{good}");
        }
        for bad in ["replay", "drop --reason old", "replay 1 --service a", "replay 1 --reason poison", "drop 1", "show"]
        {
            assert!(!parsed(&format!("dead-letters {bad}")), "{bad}");
        }
        assert!(parsed("dead-letters drop --died-of expired --reason old"));
    }
}
