//! The options that select dead letters.

use choreography::Reason;
use choreography::dead_letters::{Filter, LOST, OVERDUE, Token};
use clap::Args;
use jiff::Timestamp;

use crate::moment::moment;

/// The reasons that dead letters have: those of which messages die, and those of the notices, that a message is overdue and
/// that messages are lost.
const REASONS: [&str; 5] =
    [Reason::Expired.as_str(), Reason::Poison.as_str(), Reason::Exhausted.as_str(), OVERDUE, LOST];

/// The options that all commands have; a dead letter must satisfy each of them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which dead letters")]
pub(crate) struct Filters {
    /// Only what died at this service
    #[arg(long)]
    service: Option<Token>,
    /// Only messages of this name
    #[arg(long)]
    message: Option<Token>,
    /// Only messages with this key
    #[arg(long)]
    key: Option<Token>,
    /// Only what died of this cause, as `groups` shows it
    #[arg(long)]
    fingerprint: Option<String>,
    /// Only what was stored since then: a duration ago (2h, 7d), or a time (2026-11-20T13:00:00Z)
    #[arg(long, value_parser = moment)]
    since: Option<Timestamp>,
    /// Only what was stored until then, written as for --since
    #[arg(long, value_parser = moment)]
    until: Option<Timestamp>,
}

/// The dead letters to list or to count.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ListSelection {
    #[command(flatten)]
    filters: Filters,
    /// Only what died for this reason, or the notices that a message is overdue or that messages are lost
    #[arg(long, visible_alias = "died-of", value_parser = REASONS, help_heading = "Which dead letters")]
    reason: Option<String>,
    /// Also those that are handled or superseded by a later dead letter, and the notices
    #[arg(long, help_heading = "Which dead letters")]
    pub(crate) all: bool,
}

/// The dead letters to replay.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ReplaySelection {
    /// The numbers of the dead letters, instead of the options that select them
    #[arg(value_name = "SEQUENCE", conflicts_with = "Filters")]
    sequences: Vec<u64>,
    #[command(flatten)]
    filters: Filters,
    /// Only what died for this reason
    #[arg(long, visible_alias = "died-of", value_parser = REASONS, group = "Filters", help_heading = "Which dead letters")]
    reason: Option<String>,
}

/// The dead letters that are dropped. Their `--reason` is why that is done.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct DropSelection {
    /// The numbers of the dead letters, instead of the options that select them
    #[arg(value_name = "SEQUENCE", conflicts_with = "Filters")]
    sequences: Vec<u64>,
    #[command(flatten)]
    filters: Filters,
    /// Only what died for this reason
    #[arg(long, value_parser = REASONS, group = "Filters", help_heading = "Which dead letters")]
    died_of: Option<String>,
}

impl Filters {
    fn filter(&self, reason: Option<&String>, sequences: &[u64]) -> Filter {
        let Self { service, message, key, fingerprint, since, until } = self.clone();
        let (sequences, reason) = (sequences.iter().copied().collect(), reason.cloned());
        Filter { sequences, service, message, key, reason, fingerprint, since, until }
    }
}

impl ListSelection {
    /// Returns the filter that the options describe.
    pub(crate) fn filter(&self) -> Filter {
        self.filters.filter(self.reason.as_ref(), &[])
    }
}

impl ReplaySelection {
    /// Returns the filter that the options describe.
    pub(crate) fn filter(&self) -> Filter {
        self.filters.filter(self.reason.as_ref(), &self.sequences)
    }
}

impl DropSelection {
    /// Returns the filter that the options describe.
    pub(crate) fn filter(&self) -> Filter {
        self.filters.filter(self.died_of.as_ref(), &self.sequences)
    }
}
