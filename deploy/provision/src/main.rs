//! Brings a message server to what the shop needs, and prints what it did: a line for each stream and consumer.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use choreography::provision::{Plan, StreamPlan, provision};
use clap::Parser;
use gateway::shop;
use provision::connect::connect;
use provision::monitor::describe_file_sync;

/// Creates the streams and consumers that the shop needs, or updates them. Repeated, it changes nothing, and nothing is
/// ever deleted.
#[derive(Parser)]
struct Settings {
    /// The message server; several, separated by commas, are tried one after the other
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222", hide_env_values = true)]
    nats_url: String,
    /// A user who may create streams
    #[arg(long, default_value = "admin")]
    nats_user: String,
    /// Its password; the default is for development only
    #[arg(long, env = "ADMIN_PASSWORD", default_value = "admin-dev", hide_env_values = true)]
    nats_password: String,
    /// How long to wait for the server to start, in seconds
    #[arg(long, env = "WAIT_SECONDS_MAX", default_value_t = 30)]
    wait_seconds_max: u64,
    /// The server's monitoring port, which knows how often the server syncs to the disk
    #[arg(long, env = "NATS_MONITOR_URL", default_value = "http://127.0.0.1:8222")]
    monitor_url: String,
    /// How many bytes of events are kept; the oldest leave first
    #[arg(long, env = "EVENTS_BYTES_MAX", default_value_t = StreamPlan::BYTES_MAX)]
    events_bytes_max: u64,
    /// How many events are kept; the oldest leave first. The server needs about 300 bytes of memory for each
    #[arg(long, env = "EVENTS_MAX", default_value_t = StreamPlan::MESSAGES_MAX)]
    events_max: u64,
    /// How many bytes of dead letters are kept; the oldest leave first
    #[arg(long, env = "DEAD_LETTERS_BYTES_MAX", default_value_t = StreamPlan::BYTES_MAX)]
    dead_letters_bytes_max: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let error = match run(&Settings::parse()).await {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    eprintln!("{error:#}");
    ExitCode::FAILURE
}

async fn run(settings: &Settings) -> Result<()> {
    let Settings { nats_url, nats_user, nats_password, monitor_url, .. } = settings;
    let wait_max = Duration::from_secs(settings.wait_seconds_max);
    let client = connect(nats_url, nats_user, nats_password, wait_max).await?;
    let plan = Plan::of(&shop()).events_bytes_max(settings.events_bytes_max).events_max(settings.events_max);
    let plan = plan.dead_letters_bytes_max(settings.dead_letters_bytes_max);
    provision(&client, &plan).await?.iter().for_each(|change| println!("{change}"));
    println!("{}", describe_file_sync(monitor_url).await);
    Ok(())
}
