//! The settings that every service has. Each has a default that works on a laptop, and `--help` explains them.

use anyhow::{Context, bail};
use choreography::bus::jetstream::JetStreamOptions;
use choreography::{Choreography, Service};
use clap::{Command, Parser, value_parser};
use jiff::SignedDuration;
use sqlx::migrate::Migrator;
use std::io::{ErrorKind, IsTerminal};
use std::time::Duration;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::Running;

/// What is logged if `RUST_LOG` does not say otherwise.
const LOG_DEFAULT: &str = "info,async_nats=warn,sqlx=warn";

// No doc comment: clap would show it as what the service is about.
#[allow(missing_docs)]
#[derive(Debug, Clone, Parser)]
#[group(skip)] // it would bear the name of the service's own settings
pub struct Settings {
    /// The message server; several, separated by commas, are tried one after the other
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    pub nats_url: String,
    /// The service's user at the message server
    #[arg(long)]
    pub nats_user: String,
    /// Its password; the default is for development only
    #[arg(long, hide_env_values = true)]
    pub nats_password: String,
    /// The service's database: a file
    #[arg(long, env = "DATABASE_URL")]
    pub database_url: String,
    /// Where HTTP is served, as address:port
    #[arg(long, env = "LISTEN")]
    pub listen: String,
    /// Which instance of the service this is, counted from 0; each reads with a consumer of its own
    #[arg(long, env = "INSTANCE", default_value_t = 0)]
    pub instance: u32,
    /// From how many dead letters of one kind on a cycle of 5 seconds counts against its circuit; the same in all
    /// services
    #[arg(long, env = "CIRCUIT_THRESHOLD", default_value_t = 3, value_parser = value_parser!(u32).range(1..))]
    pub circuit_threshold: u32,
    /// How many messages of one kind are sent a second while its circuit is half-open
    #[arg(long, env = "CIRCUIT_PACE", default_value_t = 20, value_parser = value_parser!(u32).range(1..=1_000))]
    pub circuit_pace: u32,
    /// How long a message may not have been sent to a subscriber before that counts against its circuit, such as 30s or 2m
    #[arg(long, env = "OVERDUE_AFTER", default_value = "30s", value_parser = duration)]
    pub overdue_after: Duration,
    /// While so many messages are on their way, nothing new is begun
    #[arg(long, env = "BACKLOG_MAX", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..))]
    pub backlog_max: u64,
    /// How long a message is worth doing, counted from the command that began it, such as 10m
    #[arg(long, env = "MESSAGE_DEADLINE", default_value = "10m", value_parser = duration)]
    pub message_deadline: Duration,
    /// How often an effect, such as sending a mail, is tried before it is given up
    #[arg(long, env = "EFFECT_TRIES_MAX", default_value_t = 10, value_parser = value_parser!(u32).range(1..))]
    pub effect_tries_max: u32,
    /// How long an effect is tried before it is given up
    #[arg(long, env = "EFFECT_TIME_MAX", default_value = "15m", value_parser = duration)]
    pub effect_time_max: Duration,
    /// The pause after an effect's first failure, doubled after each further one up to a minute
    #[arg(long, env = "EFFECT_BACKOFF", default_value = "500ms", value_parser = duration)]
    pub effect_backoff: Duration,
    /// A fault for tests, `panic:<message>:<text in its payload>` or `abort:…`; release builds have none
    #[cfg(debug_assertions)]
    #[arg(long, env = "FAULT", hide = true)]
    pub fault: Option<choreography::Fault>,
    /// Begin with what the demonstration needs
    #[arg(long)]
    pub demo: bool,
    /// The name space of message types, see [`Settings::with_namespace`].
    #[arg(skip = choreography::Settings::default().namespace)]
    pub namespace: String,
    /// Who says what this service shows as stories.
    #[arg(skip)]
    pub publishers: Vec<String>,
}

/// No duration is longer: what happened before is forgotten.
const DURATION_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A duration as people write it.
///
/// # Errors
/// Says how one is written, and what it may be.
pub fn duration(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text.parse().map_err(|_| "write a duration such as 90s, 15m or 2h".to_owned())?;
    let duration = Duration::try_from(signed).ok().filter(|it| (Duration::from_millis(1)..=DURATION_MAX).contains(it));
    duration.ok_or_else(|| "choose more than nothing and at most 7 days".to_owned())
}

/// Reads a service's settings from flags and environment; `S` is [`Settings`], or has them flattened in.
///
/// Ends the process for `--help` and for what can't be read, after saying why. The log begins here.
pub fn settings<S: Parser>(service: &'static str, about: &'static str, port: u16) -> S {
    let command = S::command().name(service).about(about);
    let command = command.after_help("RUST_LOG says what is logged: RUST_LOG=debug, for one.");
    let command = own_defaults(command, service, port);
    let settings = S::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| LOG_DEFAULT.into());
    let colors = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colors).init();
    settings
}

/// Defaults that differ from service to service.
fn own_defaults(command: Command, service: &'static str, port: u16) -> Command {
    let defaults = [
        ("nats_user", service.to_owned()),
        ("nats_password", format!("{service}-dev")),
        ("database_url", format!("sqlite://.data/{service}.db")),
        ("listen", format!("127.0.0.1:{port}")),
    ];
    let set = |command: Command, (name, value)| command.mut_arg(name, |arg| arg.required(false).default_value(value));
    let command = defaults.into_iter().fold(command, set);
    command.mut_arg("nats_password", |password| password.env(format!("{}_PASSWORD", service.to_uppercase())))
}

impl Settings {
    /// Sets the name space of the message types: `<namespace>.<message>.v<version>`.
    pub fn with_namespace(self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self }
    }

    /// Lets the service read stories: the messages of a key, whoever of these says them.
    pub fn with_stories_of(self, publishers: &[&str]) -> Self {
        Self { publishers: publishers.iter().map(|publisher| (*publisher).to_owned()).collect(), ..self }
    }

    /// Takes the port, opens the database, and starts the service. Whether the message server is there does not
    /// matter yet.
    ///
    /// # Errors
    /// Says what is in the way, and what can be done about it.
    pub async fn start(&self, choreography: Choreography, migrations: &'static Migrator) -> anyhow::Result<Running> {
        let listener = self.listen().await?;
        self.check_database_url()?;
        let server = JetStreamOptions {
            user: self.nats_user.clone(),
            password: self.nats_password.clone(),
            publishers: self.publishers.clone(),
            ..JetStreamOptions::new(&self.nats_url, choreography.service())
        };
        let runtime = choreography::Settings {
            namespace: self.namespace.clone(),
            instance: self.instance,
            circuit_threshold: self.circuit_threshold,
            circuit_pace: self.circuit_pace,
            overdue_after: self.overdue_after,
            backlog_max: self.backlog_max,
            message_deadline: self.message_deadline,
            effect_tries_max: self.effect_tries_max,
            effect_time_max: self.effect_time_max,
            effect_backoff: self.effect_backoff,
            #[cfg(debug_assertions)]
            fault: self.fault.clone(),
            ..choreography::Settings::default()
        };
        let builder = Service::builder(choreography).settings(runtime).jetstream(server);
        let service = builder.sqlite(&self.database_url).migrations(migrations).start().await?;
        Ok(Running::new(service, listener))
    }

    async fn listen(&self) -> anyhow::Result<TcpListener> {
        let listen = &self.listen;
        match TcpListener::bind(listen).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
                "{listen} is taken: something else listens there, perhaps this service. Stop it, or choose another \
                 port with --listen or LISTEN=<address>:<port>"
            ),
            bound => bound.with_context(|| format!("cannot listen at {listen}, which --listen or LISTEN says")),
        }
    }

    fn check_database_url(&self) -> anyhow::Result<()> {
        let url = &self.database_url;
        if url.contains("://") && !url.starts_with("sqlite://") {
            bail!("DATABASE_URL is a SQLite file as sqlite://<path>, not {url}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;

    /// A service's settings with others beside them.
    #[derive(Debug, Parser)]
    struct Wider {
        #[command(flatten)]
        service: Settings,
        #[arg(long, default_value = "15m")]
        patience: String,
    }

    #[test]
    fn every_setting_has_a_default_also_beside_others() {
        let command = own_defaults(Wider::command(), "payment", 8082);
        let wider = Wider::from_arg_matches(&command.get_matches_from(["payment", "--demo"])).unwrap();
        let Settings { nats_user, listen, demo, .. } = wider.service;
        assert_eq!((nats_user.as_str(), listen.as_str(), demo), ("payment", "127.0.0.1:8082", true));
        assert_eq!(wider.patience, "15m");
        let Settings { circuit_threshold, circuit_pace, overdue_after, backlog_max, .. } = wider.service;
        assert_eq!((circuit_threshold, circuit_pace, backlog_max), (3, 20, 100_000));
        assert_eq!(overdue_after, Duration::from_secs(30));
    }

    #[test]
    fn a_duration_is_written_as_people_write_it() {
        for (text, seconds) in [("15m", 900), ("90s", 90), ("2h 30m", 9_000), ("PT15M", 900), ("168h", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "15", "soon", "0s", "-1m", "169h"] {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }
}
