//! Free ports. Two worlds of one process never get the same one.

use std::net::TcpListener;
use std::sync::Mutex;

use anyhow::{Context, Result};

static RETURNED: Mutex<Vec<u16>> = Mutex::new(Vec::new());

/// How often another port is tried when the system returns one that was returned before.
const TRIES_MAX: usize = 100;

/// Returns a port of the loopback interface that nothing listens on, and that it has not returned before.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> Result<u16> {
    let mut returned = RETURNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for _ in 0..TRIES_MAX {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
        let port = listener.local_addr()?.port();
        if !returned.contains(&port) {
            returned.push(port);
            return Ok(port);
        }
    }
    anyhow::bail!("no free port after {TRIES_MAX} tries")
}
