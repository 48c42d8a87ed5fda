//! A soak: whether the shop costs as much in its last minute under load as in its first, and what has grown meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use anyhow::{Context, Result};
use async_nats::jetstream;

use super::ends::Ends;
use super::load::Load;
use super::meter::Meter;
use super::sizes::{self, Sizes};
use super::{Interval, Options, connect, interval, race};
use crate::premises::Premises;

const MINUTE: Duration = Duration::from_secs(60);

/// The first and the last minute of a soak.
pub struct Soak {
    minutes: u64,
    /// How many messages were stored from the first minute's beginning to the last one's end.
    messages: u64,
    first: (Interval, Sizes),
    last: (Interval, Sizes),
}

/// Runs the closed loop for some minutes, at least two, and measures the first and the last.
pub(super) async fn measure(options: &Options, minutes: u64, premises: &Premises) -> Result<Soak> {
    let admin = connect(&premises.nats.url()).await?;
    let events = jetstream::new(admin.clone()).get_stream("EVENTS").await.context("reading the state of EVENTS")?;
    let load = Load::new(premises, Ends::subscribe(&admin).await?, options).await?;
    let meter = Meter::of(premises);
    let measuring = async {
        tokio::time::sleep(Duration::from_secs(options.warm_up)).await;
        let begin = super::last_sequence(&events).await?;
        let first = interval(&load, &meter, &events, MINUTE).await?;
        let first = (first, sizes::read(premises).await?);
        let rest = u32::try_from(minutes - 2).context("a soak lasts some minutes")?;
        tokio::time::sleep(MINUTE * rest).await;
        let last = interval(&load, &meter, &events, MINUTE).await?;
        let last = (last, sizes::read(premises).await?);
        let messages = super::last_sequence(&events).await? - begin;
        Ok(Soak { minutes, messages, first, last })
    };
    let soak = race(load.closed(options.clients), measuring).await?;
    load.settle().await?;
    Ok(soak)
}

/// A line of a table: a name, and a value in the first and in the last minute.
fn line(f: &mut Formatter<'_>, name: &str, first: f64, last: f64, decimals: usize) -> fmt::Result {
    let grown = if first > 0.0 { format!("{:+.1} %", 100.0 * (last / first - 1.0)) } else { String::new() };
    writeln!(f, "  {name:<36} {first:>14.decimals$} {last:>14.decimals$} {grown:>10}")
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
impl Soak {
    fn write_load(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (first, last) = (&self.first.0, &self.last.0);
        line(f, "orders ended/s", first.orders() / first.seconds, last.orders() / last.seconds, 0)?;
        let total = |minute: &Interval| minute.used.iter().map(|used| used.cpu_seconds).sum::<f64>();
        let per_thousand = |minute: &Interval, seconds: f64| 1_000.0 * seconds / minute.orders().max(1.0);
        line(f, "CPU s / 1,000 orders", per_thousand(first, total(first)), per_thousand(last, total(last)), 3)?;
        for (before, after) in first.used.iter().zip(&last.used) {
            let (name, before) = (format!("  {}", before.name), per_thousand(first, before.cpu_seconds));
            line(f, &name, before, per_thousand(last, after.cpu_seconds), 3)?;
        }
        writeln!(f, "  Memory at the end of the minute, MiB")?;
        for (before, after) in first.used.iter().zip(&last.used) {
            let mib = |kib: u64| kib as f64 / 1_024.0;
            line(f, &format!("  {}", before.name), mib(before.resident_kib), mib(after.resident_kib), 0)?;
        }
        Ok(())
    }

    fn write_sizes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (first, last) = (&self.first.1, &self.last.1);
        writeln!(f, "  Files at the end of the minute, KiB")?;
        for (name, before, after) in both(&first.kib, &last.kib) {
            line(f, &format!("  {name}"), before as f64, after as f64, 0)?;
        }
        writeln!(f, "  Rows at the end of the minute")?;
        for (name, before, after) in both(&first.rows, &last.rows) {
            line(f, &format!("  {name}"), before as f64, after as f64, 0)?;
        }
        Ok(())
    }
}

impl Display for Soak {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { minutes, messages, .. } = self;
        writeln!(f, "Soak: {minutes} minutes, {messages} messages")?;
        writeln!(f, "  {:<36} {:>14} {:>14} {:>10}", "", "first minute", "last minute", "")?;
        self.write_load(f)?;
        self.write_sizes(f)
    }
}

/// Returns what both minutes have, and 0 where one has it not.
fn both<T: Copy + Default>(first: &BTreeMap<String, T>, last: &BTreeMap<String, T>) -> Vec<(String, T, T)> {
    let names: BTreeSet<&String> = first.keys().chain(last.keys()).collect();
    let value = |of: &BTreeMap<String, T>, name: &String| of.get(name).copied().unwrap_or_default();
    names.into_iter().map(|name| (name.clone(), value(first, name), value(last, name))).collect()
}
