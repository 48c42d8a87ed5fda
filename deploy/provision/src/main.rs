//! Brings a message server to what the shop needs, and says what it did: a line for each stream and consumer.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use async_nats::{Client, ConnectErrorKind, ConnectOptions};
use choreography::provision::{StreamPlan, provision};
use clap::Parser;
use provision::{plan, shop};

/// How long to wait before the server is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// Makes the streams and consumers that the shop needs, or brings them up to date. Doing it again changes nothing, and
/// nothing is ever deleted.
#[derive(Parser)]
struct Settings {
    /// The message server; several, separated by commas, are tried one after the other
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    nats_url: String,
    /// A user who may make streams
    #[arg(long, default_value = "admin")]
    nats_user: String,
    /// Its password; the default is for development only
    #[arg(long, env = "ADMIN_PASSWORD", default_value = "admin-dev", hide_env_values = true)]
    nats_password: String,
    /// How long to wait for the server to come up, in seconds
    #[arg(long, env = "WAIT_SECONDS_MAX", default_value_t = 30)]
    wait_seconds_max: u64,
    /// How many bytes of events are kept; the oldest leave first
    #[arg(long, env = "EVENTS_BYTES_MAX", default_value_t = StreamPlan::BYTES_MAX)]
    events_bytes_max: u64,
    /// How many bytes of dead letters are kept; the oldest leave first
    #[arg(long, env = "DEAD_LETTERS_BYTES_MAX", default_value_t = StreamPlan::BYTES_MAX)]
    dead_letters_bytes_max: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> Result<()> {
    let client = connect(settings).await?;
    let plan = plan(&shop(), settings.events_bytes_max, settings.dead_letters_bytes_max);
    for line in provision(&client, &plan).await? {
        println!("{line}");
    }
    Ok(())
}

/// Connects, as soon as there is a server.
async fn connect(settings: &Settings) -> Result<Client> {
    let wait_max = Duration::from_secs(settings.wait_seconds_max);
    let mut seen = String::new();
    let connected = tokio::time::timeout(wait_max, try_to_connect(settings, &mut seen)).await;
    connected.unwrap_or_else(|_| {
        bail!("no message server at {} within {} s: {seen}", settings.nats_url, settings.wait_seconds_max)
    })
}

/// Tries until there is a server that lets us in, or does not; `seen` says why the last try failed.
async fn try_to_connect(settings: &Settings, seen: &mut String) -> Result<Client> {
    let Settings { nats_url, nats_user, nats_password, .. } = settings;
    let urls: Vec<&str> = nats_url.split(',').map(str::trim).collect();
    loop {
        let options = ConnectOptions::with_user_and_password(nats_user.clone(), nats_password.clone());
        match options.connect(urls.as_slice()).await {
            Ok(client) => return Ok(client),
            Err(error) => match error.kind() {
                ConnectErrorKind::ServerParse => return Err(error).context("reading NATS_URL"),
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                    bail!("{nats_url} does not let {nats_user} in: is ADMIN_PASSWORD the server's?")
                }
                _ => *seen = error.to_string(),
            },
        }
        tokio::time::sleep(PAUSE).await;
    }
}
