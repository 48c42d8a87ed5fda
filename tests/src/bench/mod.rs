//! Measures the shop: a closed loop at saturation, an open loop at a rate, and the ceiling, all on one server.
//!
//! The generator runs on the machine that it measures, so it must be lean; its own cost is in the report.

mod ceiling;
mod client;
mod ends;
mod load;
mod meter;
mod options;
mod report;
mod sizes;
mod soak;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_nats::jetstream;

use crate::premises::{Plan, Premises};
use ends::Ends;
use meter::{Meter, ProcessUsage};
pub use options::Options;
use report::LoadReport;
pub use report::Report;

/// When nothing was published for this long, the shop is at rest: published messages are kept for 10 s, then deleted.
const QUIET_FOR: Duration = Duration::from_secs(12);

/// How long it may take after a loop until the shop is at rest.
const QUIET_WITHIN: Duration = Duration::from_secs(60);

/// What was measured in an interval of load.
#[derive(Debug, Clone)]
pub(crate) struct Interval {
    /// What was counted in it.
    pub(crate) counted: load::Counted,
    /// How long it lasted.
    pub(crate) seconds: f64,
    /// How many messages were stored in it.
    pub(crate) messages: u64,
    /// What each process used in it, and its peak memory until its end.
    pub(crate) used: Vec<ProcessUsage>,
}

/// Opens a shop, measures it, and closes it. Returns the report.
///
/// # Errors
/// When something cannot be started, or an order does not end.
pub fn run(options: &Options) -> Result<Report> {
    // One thread for the load: it shares the machine with what it measures.
    let lean = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let premises = lean.block_on(Premises::open(Plan::new().on_disk().without_limits()))?;
    let premises = Arc::new(premises);
    if let Some(minutes) = options.minutes {
        let soak = lean.block_on(soak::measure(options, minutes, &premises))?;
        return Ok(Report::Soak(soak));
    }
    let (closed, open, sample) = lean.block_on(measure_load(options, &premises))?;
    let wide = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ceiling = if options.ceiling_seconds == 0 {
        None
    } else {
        premises.services().iter().for_each(|service| service.process.kill());
        let url = premises.nats.url();
        Some(wide.block_on(ceiling::measure(url, sample, Duration::from_secs(options.ceiling_seconds)))?)
    };
    Ok(Report::Load(LoadReport { options: options.clone(), closed, open, ceiling }))
}

async fn measure_load(
    options: &Options,
    premises: &Premises,
) -> Result<(Interval, Option<Interval>, Vec<async_nats::Message>)> {
    let admin = connect(&premises.nats.url()).await?;
    let events = jetstream::new(admin.clone()).get_stream("EVENTS").await.context("reading the state of EVENTS")?;
    let ends = Ends::subscribe(&admin).await?;
    let load = load::Load::new(premises, ends, options).await?;
    let meter = Meter::of(premises);

    let interval = async |seconds| interval(&load, &meter, &events, Duration::from_secs(seconds)).await;
    let working = load.closed(options.clients);
    let measuring = async {
        tokio::time::sleep(Duration::from_secs(options.warm_up)).await;
        interval(options.seconds).await
    };
    let closed = race(working, measuring).await?;
    load.settle().await?;
    let open = if options.rate_seconds == 0 {
        None
    } else {
        wait_until_quiet(&events).await?;
        let measured = race(load.open(options.rate), interval(options.rate_seconds)).await?;
        load.settle().await?;
        Some(measured)
    };
    Ok((closed, open, ceiling::sample(&events).await?))
}

/// Measures for a while.
async fn interval(
    load: &load::Load,
    meter: &Meter,
    events: &jetstream::stream::Stream,
    length: Duration,
) -> Result<Interval> {
    load.counted();
    let (before, first, begin) = (meter.read()?, last_sequence(events).await?, Instant::now());
    tokio::time::sleep(length).await;
    let (seconds, counted) = (begin.elapsed().as_secs_f64(), load.counted());
    let messages = last_sequence(events).await? - first;
    let used = meter.read()?.into_iter().zip(before).map(|(after, before)| after.since(&before)).collect();
    Ok(Interval { counted, seconds, messages, used })
}

/// Runs both, and returns the result of the second; an error of the first ends both.
async fn race<T>(working: impl Future<Output = Result<()>>, measuring: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        worked = working => Err(worked.err().unwrap_or_else(|| anyhow::anyhow!("the load has ended"))),
        measured = measuring => measured,
    }
}

/// Waits until the shop is at rest: what it still publishes and deletes after a loop would disturb the next one.
async fn wait_until_quiet(events: &jetstream::stream::Stream) -> Result<()> {
    let (begin, mut last) = (Instant::now(), None);
    loop {
        let now = last_sequence(events).await?;
        if last.replace(now) == Some(now) {
            return Ok(());
        }
        anyhow::ensure!(
            begin.elapsed() < QUIET_WITHIN,
            "the shop still publishes or deletes messages after the load has ended"
        );
        tokio::time::sleep(QUIET_FOR).await;
    }
}

async fn last_sequence(events: &jetstream::stream::Stream) -> Result<u64> {
    Ok(events.get_info().await.context("reading the stream's state")?.state.last_sequence)
}

/// Connects as the admin user.
async fn connect(url: &str) -> Result<async_nats::Client> {
    let options = async_nats::ConnectOptions::with_user_and_password("admin".to_owned(), "admin-dev".to_owned());
    options.subscription_capacity(1 << 17).connect(url).await.context("connecting as admin")
}
