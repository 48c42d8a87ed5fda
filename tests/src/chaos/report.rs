//! The report of a run, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use serde::Serialize;

use super::fault::Kind;
use super::recovery::Recovery;

/// What a run of faults has shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The seed that decides the faults and what customers want.
    pub seed: u64,
    /// Customers a second.
    pub rate: u32,
    /// For how many seconds customers came.
    pub seconds: u64,
    /// How many orders were accepted.
    pub orders: u64,
    /// How many customers came and were not let in, because too many were inside.
    pub outside: u64,
    /// The orders by how they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// The faults by kind.
    pub faults: BTreeMap<Kind, Recoveries>,
    /// How often each service had halted, and an operator let it go on.
    pub resumed: BTreeMap<&'static str, u64>,
    /// The messages that services have reported as lost.
    pub lost: Vec<String>,
    /// The dead letters by service, message and reason.
    pub dead_letters: BTreeMap<String, u64>,
    /// How many mails came more than once.
    pub mails_again: u64,
    /// How many messages are stored about an order, on average.
    pub messages_per_order: f64,
    /// How many stored messages are copies of others.
    pub copies: usize,
    /// What did not hold at the end, and which faults the shop did not recover from; empty if all is well.
    pub broken: Vec<String>,
}

/// How long the shop took to recover from the faults of a kind.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Recoveries {
    /// How often the kind occurred.
    pub count: usize,
    /// How long it took from the end of each until an order that was placed then was completed, in milliseconds, the
    /// shortest first.
    pub order_ms: Vec<u128>,
    /// How long it took until every order and mail of before was done.
    pub backlog_ms: Vec<u128>,
}

impl Recoveries {
    pub(super) fn add(&mut self, recovery: Option<Recovery>) {
        self.count += 1;
        let mut insert = |list: fn(&mut Self) -> &mut Vec<u128>, took: Option<Duration>| {
            let list = list(self);
            list.extend(took.map(|took| took.as_millis()));
            list.sort_unstable();
        };
        insert(|it| &mut it.order_ms, recovery.map(|recovery| recovery.order));
        insert(|it| &mut it.backlog_ms, recovery.map(|recovery| recovery.backlog));
    }
}

impl Report {
    /// Whether everything that must hold holds.
    pub fn is_well(&self) -> bool {
        self.broken.is_empty()
    }

    /// Returns the options with which the run can be repeated.
    pub fn arguments(&self) -> String {
        let minutes = self.seconds as f64 / 60.0;
        format!("--seed {} --minutes {minutes} --rate {}", self.seed, self.rate)
    }

    fn count_of_faults(&self) -> usize {
        self.faults.values().map(|faults| faults.count).sum()
    }

    /// Returns the median and the longest of the recoveries from faults that do or don't need an operator, in
    /// milliseconds.
    fn recovery_ms(&self, with_operator: bool) -> (u128, u128) {
        let faults = self.faults.iter().filter(|(kind, _)| kind.needs_operator() == with_operator);
        let mut all: Vec<u128> = faults.flat_map(|(_, faults)| faults.order_ms.iter().copied()).collect();
        all.sort_unstable();
        (middle(&all), all.last().copied().unwrap_or_default())
    }
}

fn middle(sorted: &[u128]) -> u128 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn seconds(ms: u128) -> String {
    format!("{:.1} s", ms as f64 / 1_000.0)
}

fn listed<K: Display, V: Display>(counts: &BTreeMap<K, V>) -> String {
    let parts: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, seconds: length, rate, .. } = self;
        writeln!(f, "{orders} orders in {length} s, {rate} customers a second: {}", listed(&self.outcomes))?;
        if self.outside > 0 {
            writeln!(f, "{} more customers were not let in: too many were inside", self.outside)?;
        }
        let (median, worst) = self.recovery_ms(false);
        let (_, by_operator) = self.recovery_ms(true);
        let faults = self.count_of_faults();
        writeln!(
            f,
            "{faults} faults; recovery: median {}, worst {}; with an operator: worst {}",
            seconds(median),
            seconds(worst),
            seconds(by_operator)
        )?;
        writeln!(f, "{:<20}{:>6}{:>24}{:>24}", "fault", "count", "an order then: median", "worst")?;
        for (kind, faults) in &self.faults {
            let Recoveries { count, order_ms, backlog_ms } = faults;
            let worst = |sorted: &[u128]| seconds(sorted.last().copied().unwrap_or_default());
            let both = |order: String, backlog: String| format!("{order} (all {backlog})");
            let median = both(seconds(middle(order_ms)), seconds(middle(backlog_ms)));
            let worst = both(worst(order_ms), worst(backlog_ms));
            writeln!(f, "{:<20}{count:>6}{median:>24}{worst:>24}", kind.to_string())?;
        }
        writeln!(f, "services that an operator let go on: {}", listed(&self.resumed))?;
        writeln!(f, "messages reported as lost: {}", self.lost.len())?;
        self.lost.iter().try_for_each(|lost| writeln!(f, "  {lost}"))?;
        writeln!(f, "dead letters: {}", listed(&self.dead_letters))?;
        let Self { messages_per_order, copies, mails_again, .. } = self;
        writeln!(
            f,
            "{messages_per_order:.2} messages an order; {copies} stored twice; {mails_again} mails sent again"
        )?;
        if self.is_well() {
            return writeln!(f, "everything holds that must hold (seed {})", self.seed);
        }
        self.broken.iter().try_for_each(|broken| writeln!(f, "BROKEN: {broken}"))?;
        writeln!(f, "again with: make chaos ARGS=\"{}\"", self.arguments())
    }
}
