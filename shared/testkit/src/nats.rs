//! A real nats-server on free ports, with a store of its own.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{Process, Program, World, free_port, workspace};

/// A first start takes 0.1 s; a start with a large store takes longer.
const START_MAX: Duration = Duration::from_secs(30);

/// The server of a world.
pub struct NatsServer {
    /// The process.
    pub process: Arc<Process>,
    port: u16,
    store: PathBuf,
}

impl NatsServer {
    /// Starts one with the workspace's `nats.conf`, and waits until it accepts connections.
    ///
    /// `variables` are those of `nats.conf` besides ports and directory: the users' passwords.
    ///
    /// # Errors
    /// When there is no server program, or it does not start.
    pub fn start(world: &World, variables: &[(String, String)]) -> Result<Self> {
        Self::start_with(world, &workspace().join("nats.conf"), variables)
    }

    /// Starts one with a configuration of the test's own, and waits until it accepts connections. The text names port
    /// and directory as `$NATS_PORT` and `$NATS_STORE_DIR`, and has a `max_file_store`: by the server's default the test
    /// would depend on what is free on the disk.
    ///
    /// # Errors
    /// When the text has no `max_file_store`, there is no server program, or it does not start.
    pub fn configured(world: &World, configuration: &str) -> Result<Self> {
        anyhow::ensure!(configuration.contains("max_file_store"), "give the server a max_file_store");
        let file = world.directory().join("nats.conf");
        std::fs::write(&file, configuration).with_context(|| format!("writing {}", file.display()))?;
        Self::start_with(world, &file, &[])
    }

    fn start_with(world: &World, configuration: &Path, variables: &[(String, String)]) -> Result<Self> {
        let (port, store) = (free_port()?, world.directory().join("nats"));
        let mut program = Program::new("nats-server", program_path()?)
            .arg("-c")
            .arg(configuration)
            .env("NATS_PORT", port.to_string())
            .env("NATS_MONITOR_PORT", free_port()?.to_string())
            .env("NATS_STORE_DIR", format!("'{}'", store.display()));
        for (name, value) in variables {
            program = program.env(name, value);
        }
        let server = Self { process: world.start(program)?, port, store };
        server.ready()?;
        Ok(server)
    }

    /// Returns the port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Returns the directory of its store.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Starts it again after it has ended, with the same store.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&self) -> Result<()> {
        self.process.restart()?;
        self.ready()
    }

    fn ready(&self) -> Result<()> {
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(ended) = self.process.ended() {
                anyhow::bail!("{ended}\n{}", self.process.last_lines(20));
            }
            anyhow::ensure!(begin.elapsed() < START_MAX, "nats-server does not start\n{}", self.process.last_lines(20));
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// Returns `$NATS_SERVER`, or else the program in `.tools`, or else the one on `PATH`.
fn program_path() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("NATS_SERVER") {
        return Ok(path.into());
    }
    let installed = workspace().join(".tools/bin/nats-server");
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|directory| directory.join("nats-server")).find(|path| path.is_file())
    };
    let found = Some(installed).filter(|path| path.is_file()).or_else(on_path);
    found.context("there is no nats-server: run 'make test', which installs it, or set NATS_SERVER")
}
