//! Damage to the files of a message server's store, as disks, operators and backups do it. The server must have ended.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::NatsServer;

/// What a bad spot of a disk takes.
const ZEROED_BYTES: usize = 8 * 1024;

impl NatsServer {
    /// Returns the files with a stream's messages, the oldest first.
    ///
    /// # Errors
    /// When the store has no such stream.
    pub fn blocks(&self, stream: &str) -> Result<Vec<PathBuf>> {
        let accounts = self.store().join("jetstream");
        let mut blocks = Vec::new();
        for account in fs::read_dir(&accounts).with_context(|| accounts.display().to_string())? {
            let messages = account?.path().join("streams").join(stream).join("msgs");
            let Ok(files) = fs::read_dir(&messages) else { continue };
            for file in files {
                let path = file?.path();
                if let Some(number) = number_of(&path) {
                    blocks.push((number, path));
                }
            }
        }
        anyhow::ensure!(!blocks.is_empty(), "{} has no stream {stream}", accounts.display());
        blocks.sort();
        Ok(blocks.into_iter().map(|(_, path)| path).collect())
    }

    /// Overwrites 8 KiB in the middle of a file with zeros.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn zero_middle(block: &Path) -> Result<()> {
        let file = OpenOptions::new().write(true).open(block).with_context(|| block.display().to_string())?;
        let middle = file.metadata()?.len() / 2;
        Ok(file.write_all_at(&[0; ZEROED_BYTES], middle)?)
    }

    /// Takes away everything that a file has.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn empty(block: &Path) -> Result<()> {
        File::create(block).map(drop).with_context(|| block.display().to_string())
    }

    /// Copies the whole store into a new directory.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub fn copy_store(&self, to: &Path) -> Result<()> {
        copy(self.store(), to)
    }

    /// Replaces the whole store by an earlier copy, which is moved: the server is down for a moment only, however large it
    /// is.
    ///
    /// # Errors
    /// When a file can't be moved or removed, or the copy is on another file system.
    pub fn put_back(&self, copy: &Path) -> Result<()> {
        fs::remove_dir_all(self.store())?;
        Ok(fs::rename(copy, self.store())?)
    }
}

/// Returns the number in the name of a file of messages: `7.blk`.
fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".blk")?.parse().ok()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}
