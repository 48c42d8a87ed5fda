//! The services as processes, and the settings with which each is started.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use testkit::{Process, Program, Proxy, World, binary, free_port};
use tokio::process::Command;

/// The names of the services, which are also their users on the server.
/// The gateway is the last: it is started when the addresses of the others are known.
pub const SERVICES: [&str; 8] =
    ["order", "inventory", "payment", "wallet", "delivery", "notify", "customer", "gateway"];

/// The settings of a gateway that takes more requests than a test sends: they all come from one address.
pub const UNLIMITED: [(&str, &str); 4] = [
    ("CUSTOMER_RATE", "100000"),
    ("CUSTOMER_BURST", "1000000"),
    ("ADDRESS_RATE", "100000"),
    ("ADDRESS_BURST", "1000000"),
];

/// Returns the variables of `nats.conf` with the passwords of the server's users.
pub fn users() -> Vec<(String, String)> {
    let users = SERVICES.iter().chain(&["admin"]);
    users.map(|user| (format!("{}_PASSWORD", user.to_uppercase()), format!("{user}-dev"))).collect()
}

/// Returns a token of the development key, with which the gateway takes orders in anybody's name.
///
/// # Errors
/// When the gateway is not built, or makes none.
pub(crate) async fn operator_token() -> Result<String> {
    let mut gateway = Command::new(binary("gateway")?);
    gateway.args(["token", "--operator", "--customer", "0198c0de-0000-7000-8000-000000000001"]).kill_on_drop(true);
    let output = gateway.output().await.context("running `gateway token`")?;
    anyhow::ensure!(output.status.success(), "gateway token: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A running instance of a service.
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// Its process.
    pub process: Arc<Process>,
    /// The URL of its HTTP interface.
    pub url: String,
    /// The file of its database.
    pub database: PathBuf,
    /// Its connection to the server, if that is a proxy.
    pub proxy: Option<Proxy>,
}

impl Service {
    /// Starts a service with its own database in the world's directory. Instances of one service share it.
    ///
    /// # Errors
    /// When its program is not built, or cannot be started.
    pub fn start(
        world: &World,
        name: &'static str,
        instance: u32,
        nats_url: &str,
        settings: &[(String, String)],
    ) -> Result<Self> {
        let chosen = settings.iter().rfind(|(variable, _)| variable == "LISTEN");
        let listen = match chosen {
            Some((_, listen)) => listen.clone(),
            None => format!("127.0.0.1:{}", free_port()?),
        };
        let database = world.directory().join(format!("{name}.db"));
        let mut program = Program::new(format!("{name}-{instance}"), binary(name)?)
            .surviving_file_limits()
            .arg("--demo")
            .env("NATS_URL", nats_url)
            .env("LISTEN", &listen)
            .env("INSTANCE", instance.to_string())
            .env("DATABASE_URL", format!("sqlite://{}", database.display()));
        for (variable, value) in users().iter().chain(settings) {
            program = program.env(variable, value);
        }
        Ok(Self { name, process: world.start(program)?, url: format!("http://{listen}"), database, proxy: None })
    }

    /// Returns its command `stream`, by which an operator looks at what it reads, and lets it go on.
    ///
    /// # Errors
    /// When its program is not built.
    pub fn stream_command(&self, nats_url: &str, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary(self.name)?);
        command.envs(users()).env("NATS_URL", nats_url);
        command.env("DATABASE_URL", format!("sqlite://{}", self.database.display()));
        command.arg("stream").args(arguments).kill_on_drop(true);
        Ok(command)
    }

    /// Returns how many published messages its database still keeps, or has to publish.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn kept(&self) -> Result<i64> {
        let options = SqliteConnectOptions::new().filename(&self.database).read_only(true);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let count = sqlx::query_scalar("select count(*) from outbox").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(count)
    }
}
