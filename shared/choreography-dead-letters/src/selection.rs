//! Which dead letters a command means, as it is typed.

use choreography::dead_letters::{Filter, Token};
use clap::Args;
use jiff::Timestamp;

use crate::moment::moment;

/// Which dead letters are meant; everything that is said must hold.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which dead letters")]
pub(crate) struct Filters {
    /// Only what died at this service
    #[arg(long)]
    service: Option<Token>,
    /// Only messages of this name, such as create-payment
    #[arg(long)]
    message: Option<Token>,
    /// Only what concerns this order
    #[arg(long)]
    order: Option<Token>,
    /// Only what died of the same, as `groups` shows it
    #[arg(long)]
    fingerprint: Option<String>,
    /// Only what was stored since then: so long ago (2h, 7d), or a moment (2026-11-20T13:00:00Z)
    #[arg(long, value_parser = moment)]
    since: Option<Timestamp>,
    /// Only what was stored until then, written as for --since
    #[arg(long, value_parser = moment)]
    until: Option<Timestamp>,
}

/// The dead letters that are looked at.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Seen {
    #[command(flatten)]
    filters: Filters,
    /// Only what died of this: expired, poison, exhausted, or overdue for the notices that a message was late
    #[arg(long, visible_alias = "died-of", help_heading = "Which dead letters")]
    reason: Option<String>,
    /// Also those that are handled or superseded by a later dead letter, and the notices
    #[arg(long, help_heading = "Which dead letters")]
    pub(crate) all: bool,
}

/// The dead letters that are replayed.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ToReplay {
    /// The dead letters' numbers; or say by options which ones are meant
    #[arg(value_name = "SEQUENCE", conflicts_with = "Filters")]
    sequences: Vec<u64>,
    #[command(flatten)]
    filters: Filters,
    /// Only what died of this: expired, poison, exhausted
    #[arg(long, visible_alias = "died-of", group = "Filters", help_heading = "Which dead letters")]
    reason: Option<String>,
}

/// The dead letters that are dropped. Their `--reason` is why that is done.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ToDrop {
    /// The dead letters' numbers; or say by options which ones are meant
    #[arg(value_name = "SEQUENCE", conflicts_with = "Filters")]
    sequences: Vec<u64>,
    #[command(flatten)]
    filters: Filters,
    /// Only what died of this: expired, poison, exhausted
    #[arg(long, group = "Filters", help_heading = "Which dead letters")]
    died_of: Option<String>,
}

impl Filters {
    fn filter(&self, reason: Option<&String>, sequences: &[u64]) -> Filter {
        let Self { service, message, order, fingerprint, since, until } = self.clone();
        let (sequences, reason) = (sequences.iter().copied().collect(), reason.cloned());
        Filter { sequences, service, message, key: order, reason, fingerprint, since, until }
    }
}

impl Seen {
    pub(crate) fn filter(&self) -> Filter {
        self.filters.filter(self.reason.as_ref(), &[])
    }
}

impl ToReplay {
    pub(crate) fn filter(&self) -> Filter {
        self.filters.filter(self.reason.as_ref(), &self.sequences)
    }
}

impl ToDrop {
    pub(crate) fn filter(&self) -> Filter {
        self.filters.filter(self.died_of.as_ref(), &self.sequences)
    }
}
