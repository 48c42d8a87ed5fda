//! Copies of a SQLite database, as a backup makes them, and such a copy put back. No process may have it open.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What a database may have beside its file: its log, and the log's index.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// Copies a database to another path, where there may be another one, which is replaced.
///
/// # Errors
/// When a file can't be read, written or removed.
pub fn copy_database(from: &Path, to: &Path) -> Result<()> {
    for suffix in BESIDE {
        let (from, to) = (with_suffix(from, suffix), with_suffix(to, suffix));
        if to.exists() {
            fs::remove_file(&to).with_context(|| to.display().to_string())?;
        }
        if from.exists() {
            fs::copy(&from, &to).with_context(|| from.display().to_string())?;
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
