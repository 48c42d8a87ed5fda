//! The services as processes: which there are, and with which settings each is started.

use std::sync::Arc;

use anyhow::Result;
use testkit::{Process, Program, World, binary, free_port};

/// The services, as their users on the server are called.
pub const SERVICES: [&str; 5] = ["order", "inventory", "payment", "delivery", "notify"];

/// The server's users and their passwords, as `nats.conf` takes them.
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
    /// Where its HTTP face is.
    pub url: String,
}

impl Service {
    /// Starts a service with its own database in the world's directory. Instances of one service share it.
    ///
    /// # Errors
    /// When its program was not built, or can't be started.
    pub fn start(
        world: &World,
        name: &'static str,
        instance: u32,
        nats_url: &str,
        settings: &[(String, String)],
    ) -> Result<Self> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let mut program = Program::new(format!("{name}-{instance}"), binary(name)?)
            .bearing_file_limits()
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
