//! Free ports. What must hold: two worlds of one machine don't get the same one.

use std::net::TcpListener;
use std::sync::Mutex;

use anyhow::{Context, Result};

static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());

/// How often the system is asked for another port, if it gives one that was given already.
const TRIES_MAX: usize = 100;

/// A port of the loopback interface that nobody listens on, and that this process was not given before.
///
/// # Errors
/// When the system has none to give.
pub fn free_port() -> Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for _ in 0..TRIES_MAX {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
        let port = listener.local_addr()?.port();
        if !given.contains(&port) {
            given.push(port);
            return Ok(port);
        }
    }
    anyhow::bail!("no free port after {TRIES_MAX} tries")
}
