//! Measuring the shop: a closed loop at saturation, an open loop at a rate, and the ceiling, all on one server.
//!
//! The generator runs on the machine that it measures, so it must be lean, and its own cost is in the report.

mod ceiling;
mod client;
mod ends;
mod load;
mod meter;
mod report;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_nats::jetstream;
use clap::Parser;

use crate::premises::{Plan, Premises};
use ends::Ends;
use meter::{Meter, Reading};
pub use report::Report;

/// When nothing was said for so long, the shop is at rest: what is published is kept for 10 s, and then forgotten.
const SILENCE: Duration = Duration::from_secs(12);

/// How long that may take after a loop.
const SILENT_WITHIN: Duration = Duration::from_secs(60);

/// What to measure, and for how long.
#[derive(Debug, Clone, Parser)]
#[command(about = "Measures the shop: orders per second, latency, CPU and memory, and the ceiling of the server")]
pub struct Options {
    /// Clients at work at the same time in the closed loop: each places an order and waits for its end
    #[arg(long, default_value_t = 512)]
    pub clients: usize,
    /// How long the closed loop is measured, in seconds
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// How long the closed loop runs before it is measured, in seconds
    #[arg(long, default_value_t = 5)]
    pub warm_up: u64,
    /// How many orders per second the open loop places
    #[arg(long, default_value_t = 20)]
    pub rate: u32,
    /// How long the open loop is measured, in seconds; 0 leaves it out
    #[arg(long, default_value_t = 20)]
    pub rate_seconds: u64,
    /// Out of a hundred orders, how many go where no dealer is, and are cancelled
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub nowhere_percent: u32,
    /// How long the ceiling is measured, in seconds; 0 leaves it out
    #[arg(long, default_value_t = 8)]
    pub ceiling_seconds: u64,
}

/// What a stretch of load has brought.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    /// What was counted while it lasted.
    pub(crate) counted: load::Counted,
    /// How long it lasted.
    pub(crate) seconds: f64,
    /// How many messages were stored.
    pub(crate) messages: u64,
    /// What each process used, and its peak of memory until then.
    pub(crate) used: Vec<Reading>,
}

/// Opens a shop, measures it, and closes it.
///
/// # Errors
/// When something can't be started, or an order does not end.
pub fn run(options: &Options) -> Result<Report> {
    // One thread for the load: it shares the machine with what it measures.
    let lean = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let premises = lean.block_on(Premises::open(Plan::new().on_disk()))?;
    let premises = Arc::new(premises);
    let (closed, open, sample) = lean.block_on(load_stretches(options, &premises))?;
    let wide = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ceiling = if options.ceiling_seconds == 0 {
        None
    } else {
        premises.services().iter().for_each(|service| service.process.kill());
        let url = premises.nats.url();
        Some(wide.block_on(ceiling::measure(url, sample, Duration::from_secs(options.ceiling_seconds)))?)
    };
    Ok(Report { options: options.clone(), closed, open, ceiling })
}

async fn load_stretches(
    options: &Options,
    premises: &Premises,
) -> Result<(Stretch, Option<Stretch>, Vec<async_nats::Message>)> {
    let admin = connect(&premises.nats.url()).await?;
    let events = jetstream::new(admin.clone()).get_stream("EVENTS").await.context("looking at EVENTS")?;
    let ends = Ends::listen(&admin).await?;
    let load = load::Load::new(premises, ends, options.nowhere_percent)?;
    let meter = Meter::of(premises);

    let stretch = async |seconds: u64| -> Result<Stretch> {
        load.counted();
        let (before, first, begin) = (meter.read()?, last_sequence(&events).await?, Instant::now());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let (seconds, counted) = (begin.elapsed().as_secs_f64(), load.counted());
        let messages = last_sequence(&events).await? - first;
        let used = meter.read()?.into_iter().zip(before).map(|(after, before)| after.since(&before)).collect();
        Ok(Stretch { counted, seconds, messages, used })
    };

    let working = load.closed(options.clients);
    let measuring = async {
        tokio::time::sleep(Duration::from_secs(options.warm_up)).await;
        stretch(options.seconds).await
    };
    let closed = race(working, measuring).await?;
    load.settle().await?;
    let open = if options.rate_seconds == 0 {
        None
    } else {
        fall_silent(&events).await?;
        let measured = race(load.open(options.rate), stretch(options.rate_seconds)).await?;
        load.settle().await?;
        Some(measured)
    };
    Ok((closed, open, ceiling::sample(&events).await?))
}

/// The second, while the first works; an error of the first ends both.
async fn race<T>(working: impl Future<Output = Result<()>>, measuring: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        worked = working => Err(worked.err().unwrap_or_else(|| anyhow::anyhow!("the load ended by itself"))),
        measured = measuring => measured,
    }
}

/// Waits until the shop is at rest: what it has to tell and to forget after a loop would be in the way of the next.
async fn fall_silent(events: &jetstream::stream::Stream) -> Result<()> {
    let (begin, mut last) = (Instant::now(), None);
    loop {
        let now = last_sequence(events).await?;
        if last.replace(now) == Some(now) {
            return Ok(());
        }
        anyhow::ensure!(begin.elapsed() < SILENT_WITHIN, "the shop does not come to rest");
        tokio::time::sleep(SILENCE).await;
    }
}

async fn last_sequence(events: &jetstream::stream::Stream) -> Result<u64> {
    Ok(events.get_info().await.context("asking for the stream's state")?.state.last_sequence)
}

/// As the admin user.
async fn connect(url: &str) -> Result<async_nats::Client> {
    let options = async_nats::ConnectOptions::with_user_and_password("admin".to_owned(), "admin-dev".to_owned());
    options.subscription_capacity(1 << 17).connect(url).await.context("connecting as admin")
}
