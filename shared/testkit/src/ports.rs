//! Ports for servers and services that a test starts, and starts again.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::ops::Range;
use std::sync::Mutex;

use anyhow::{Context, Result};

/// Below the ports from which Linux takes one for each outgoing connection (32768 and more): so no connection of another
/// process takes the port of a service that has not started yet, or is being started again.
const PORTS: Range<u16> = 20_000..32_000;

/// The files of this process's ports: while a file is locked, its port is not returned again.
static LOCKED: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// Returns a port of the loopback interface that nothing listens on. While this process lives, neither it nor another one
/// returns it again.
///
/// # Errors
/// There is none, or the files that say which are taken can't be written.
pub fn free_port() -> Result<u16> {
    let directory = std::env::temp_dir().join("testkit-ports");
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    let first = RandomState::new().build_hasher().finish() as usize % PORTS.len();
    for port in PORTS.cycle().skip(first).take(PORTS.len()) {
        let path = directory.join(port.to_string());
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            LOCKED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(file);
            return Ok(port);
        }
    }
    anyhow::bail!("every port from {} to {} is taken", PORTS.start, PORTS.end - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_port_is_returned_once_and_kept_from_other_processes() {
        let ports: BTreeSet<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        assert!(ports.len() == 50 && ports.iter().all(|port| PORTS.contains(port)));
        for port in ports {
            let file = File::create(std::env::temp_dir().join("testkit-ports").join(port.to_string())).unwrap();
            assert!(file.try_lock().is_err(), "{port}");
            TcpListener::bind(("127.0.0.1", port)).unwrap();
        }
    }
}
