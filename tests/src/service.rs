//! The services as processes, and the settings with which each is started.

use std::sync::Arc;

use anyhow::Result;
use testkit::{Process, Program, World, binary, free_port};

/// The names of the services, which are also their users on the server.
/// The gateway is the last: it is started when the addresses of the others are known.
pub const SERVICES: [&str; 7] = ["order", "inventory", "payment", "delivery", "notify", "customer", "gateway"];

/// Returns the variables of `nats.conf` with the passwords of the server's users.
pub fn users() -> Vec<(String, String)> {
    let users = SERVICES.iter().chain(&["admin"]);
    users.map(|user| (format!("{}_PASSWORD", user.to_uppercase()), format!("{user}-dev"))).collect()
}

/// A running service.
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// Its process.
    pub process: Arc<Process>,
    /// The URL of its HTTP interface.
    pub url: String,
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
        let listen = format!("127.0.0.1:{}", free_port()?);
        let mut program = Program::new(format!("{name}-{instance}"), binary(name)?)
            .surviving_file_limits()
            .arg("--demo")
            .env("NATS_URL", nats_url)
            .env("LISTEN", &listen)
            .env("INSTANCE", instance.to_string())
            .env("DATABASE_URL", format!("sqlite://{}", world.directory().join(format!("{name}.db")).display()));
        for (variable, value) in users().iter().chain(settings) {
            program = program.env(variable, value);
        }
        Ok(Self { name, process: world.start(program)?, url: format!("http://{listen}") })
    }
}
