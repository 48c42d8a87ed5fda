//! A real SMTP server (aiosmtpd) that stores the mails in a maildir. It refuses those to addresses that begin with `gone`.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{Process, Program, World, free_port, workspace};

/// Python takes some seconds to start on a busy machine.
const START_MAX: Duration = Duration::from_secs(20);

/// The SMTP server of a world.
pub struct SmtpServer {
    /// The process.
    pub process: Arc<Process>,
    port: u16,
    maildir: PathBuf,
}

impl SmtpServer {
    /// Starts one, and waits until it accepts connections.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn start(world: &World) -> Result<Self> {
        let python = workspace().join(".tools/venv/bin/python");
        anyhow::ensure!(python.exists(), "there is no SMTP server: run 'make test', which installs aiosmtpd");
        let (port, maildir) = (free_port()?, world.directory().join("maildir"));
        let program = Program::new("smtp", python)
            .arg("-m")
            .arg("aiosmtpd")
            .arg("-n")
            .arg("-c")
            .arg("refusing_mailbox.RefusingMailbox")
            .arg("-l")
            .arg(format!("127.0.0.1:{port}"))
            .arg(&maildir)
            .env("PYTHONPATH", workspace().join("shared/testkit/src"));
        let server = Self { process: world.start(program)?, port, maildir };
        server.ready()?;
        Ok(server)
    }

    /// Starts it again after it has ended, with the mails that it has.
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
            let log = self.process.last_lines(20);
            anyhow::ensure!(
                self.process.ended().is_none() && begin.elapsed() < START_MAX,
                "the SMTP server does not start\n{log}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Returns its URL for `SMTP_URL`.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Returns the mails that have arrived, unparsed.
    ///
    /// # Errors
    /// When the maildir cannot be read.
    pub fn mails(&self) -> Result<Vec<Vec<u8>>> {
        let new = self.maildir.join("new");
        if !new.is_dir() {
            return Ok(Vec::new());
        }
        let entries = std::fs::read_dir(&new).with_context(|| format!("reading {new:?}"))?;
        entries.map(|entry| Ok(std::fs::read(entry?.path())?)).collect()
    }
}
