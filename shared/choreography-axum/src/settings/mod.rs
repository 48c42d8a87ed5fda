//! The settings that every service has. Each has a default that works on a laptop, and `--help` explains them.

mod duration;
mod parse;
mod stream_command;

use std::time::Duration;

use choreography::bus::jetstream::JetStreamOptions;
use choreography::{Choreography, Service, ServiceBuilder};
use clap::{Parser, value_parser};

use crate::GatewayKey;
pub use duration::{InvalidDuration, duration};
pub use parse::settings;

/// The default number of HTTP connections: some 20 KiB of memory each.
pub(crate) const CONNECTIONS_MAX_DEFAULT: u32 = 4_096;

/// The settings that every service has, from flags and environment; [`settings()`] reads them.
///
/// A service with settings of its own flattens these into them:
///
/// ```
/// use std::time::Duration;
///
/// #[derive(clap::Parser)]
/// struct Settings {
///     #[command(flatten)]
///     service: choreography_axum::Settings,
///     /// How long a payment waits for the customer, such as 15m
///     #[arg(long, env = "PAYMENT_DEADLINE", default_value = "15m", value_parser = choreography_axum::duration)]
///     payment_deadline: Duration,
/// }
/// ```
#[derive(Debug, Clone, Parser)]
#[group(skip)] // its name is the type's, which is also the name of a service's own settings
pub struct Settings {
    /// The message server; several, separated by commas, are tried one after the other
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    pub nats_url: String,
    /// The service's user at the message server
    #[arg(long)]
    pub nats_user: String,
    /// The user's password; the default is for development only
    #[arg(long)]
    pub nats_password: String,
    /// The service's database: a SQLite file
    #[arg(long, env = "DATABASE_URL", value_parser = database_url)]
    pub database_url: String,
    /// Where HTTP is served, as address:port
    #[arg(long, env = "LISTEN")]
    pub listen: String,
    /// How many HTTP connections may be open at once; each takes an open file and some 20 KiB of memory
    #[arg(long, env = "HTTP_CONNECTIONS_MAX", default_value_t = CONNECTIONS_MAX_DEFAULT, value_parser = value_parser!(u32).range(1..))]
    pub http_connections_max: u32,
    /// Which instance of the service this is, counted from 0; each reads with a consumer of its own
    #[arg(long, env = "INSTANCE", default_value_t = 0)]
    pub instance: u32,
    /// How many dead letters of one kind within a cycle of 5 seconds count against the kind's circuit, if they are a tenth
    /// of what was processed; the same in all services
    #[arg(long, env = "CIRCUIT_THRESHOLD", default_value_t = 3, value_parser = value_parser!(u32).range(1..))]
    pub circuit_threshold: u32,
    /// How many messages of one kind are published at least a second while the kind's circuit is half-open: else a tenth
    /// of what it was before
    #[arg(long, env = "CIRCUIT_PACE_MIN", default_value_t = 20, value_parser = value_parser!(u32).range(1..=1_000))]
    pub circuit_pace_min: u32,
    /// How long a published message may wait for its subscriber before that counts against its circuit, such as 30s or
    /// 2m
    #[arg(long, env = "OVERDUE_AFTER", default_value = "30s", value_parser = duration)]
    pub overdue_after: Duration,
    /// How many messages may wait to be published or processed before intake commands are refused
    #[arg(long, env = "BACKLOG_MAX", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..))]
    pub backlog_max: u64,
    /// How long after the command that began it a step expires, such as 10m
    #[arg(long, env = "MESSAGE_DEADLINE", default_value = "10m", value_parser = duration)]
    pub message_deadline: Duration,
    /// How long published messages are kept, so that they can be published again if the message server loses them
    #[arg(long, env = "OUTBOX_KEPT", default_value = "10m", value_parser = duration)]
    pub outbox_kept: Duration,
    /// For how long an effect, such as sending a mail, is tried before its message dies
    #[arg(long, env = "EFFECT_TIME_MAX", default_value = "15m", value_parser = duration)]
    pub effect_time_max: Duration,
    /// The pause after an effect's first failure, doubled after each further one up to a minute
    #[arg(long, env = "EFFECT_BACKOFF", default_value = "500ms", value_parser = duration)]
    pub effect_backoff: Duration,
    /// The file with the public key (Ed25519, PEM) of the gateway that must be in front: requests without its token are
    /// refused. Without it anybody who reaches the service may ask everything
    #[arg(long, env = "REQUIRE_GATEWAY")]
    pub require_gateway: Option<GatewayKey>,
    /// A fault for tests, `panic:<message>:<text in its payload>` or `abort:…`, for effects `panic-effect:…` or
    /// `abort-effect:…`; release builds have none
    #[arg(long, env = "FAULT", hide = true)]
    pub fault: Option<choreography::Fault>,
    /// Begin with the data of the demonstration
    #[arg(long)]
    pub demo: bool,
    /// The name space of message types, see [`Settings::with_namespace`].
    #[arg(skip = choreography::Settings::default().namespace)]
    pub namespace: String,
    /// The publishers of stories, see [`Settings::with_stories_of`].
    #[arg(skip)]
    pub publishers: Vec<String>,
}

impl Settings {
    /// Sets the name space of the message types: `<namespace>.<message>.v<version>`.
    pub fn with_namespace(self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self }
    }

    /// Lets the service read stories: all messages of a key that these services published.
    pub fn with_stories_of(self, publishers: &[&str]) -> Self {
        Self { publishers: publishers.iter().map(|publisher| (*publisher).to_owned()).collect(), ..self }
    }

    /// Returns a builder of the service with these settings: database, message server, and everything else.
    ///
    /// ```no_run
    /// # use choreography::{Choreography, Service};
    /// # use choreography_axum::{Failure, Settings};
    /// # async fn run(settings: Settings, choreography: Choreography) -> Result<(), Failure> {
    /// let service: Service = settings.builder(choreography).start().await?; // .migrations(&sqlx::migrate!())
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(&self, choreography: Choreography) -> ServiceBuilder {
        let server = self.server(choreography.service());
        Service::builder(choreography).settings(self.runtime()).sqlite(&self.database_url).jetstream(server)
    }

    /// Returns how a service of this name reaches the message server.
    pub fn server(&self, service: &str) -> JetStreamOptions {
        JetStreamOptions {
            user: self.nats_user.clone(),
            password: self.nats_password.clone(),
            publishers: self.publishers.clone(),
            ..JetStreamOptions::new(&self.nats_url, service)
        }
    }

    /// Returns the runtime's part of the settings.
    pub fn runtime(&self) -> choreography::Settings {
        choreography::Settings {
            namespace: self.namespace.clone(),
            instance: self.instance,
            circuit_threshold: self.circuit_threshold,
            circuit_pace_min: self.circuit_pace_min,
            overdue_after: self.overdue_after,
            backlog_max: self.backlog_max,
            message_deadline: self.message_deadline,
            outbox_kept: self.outbox_kept,
            effect_time_max: self.effect_time_max,
            effect_backoff: self.effect_backoff,
            fault: self.fault.clone(),
            ..choreography::Settings::default()
        }
    }
}

/// Why a text can't be the database of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database is a SQLite file as sqlite://<path>")]
pub struct InvalidDatabaseUrl;

/// Refuses the URLs of other databases, which would be taken for the names of files.
fn database_url(text: &str) -> Result<String, InvalidDatabaseUrl> {
    let other = text.contains("://") && !text.starts_with("sqlite://");
    if other { Err(InvalidDatabaseUrl) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_sqlite_file() {
        for (text, good) in [("sqlite://.data/a.db", true), ("a.db", true), ("postgres://localhost/a", false)] {
            assert_eq!(database_url(text).is_ok(), good, "{text}");
        }
    }
}
