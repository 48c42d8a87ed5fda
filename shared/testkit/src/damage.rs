//! Damage to the files of a message server's store, as disks, operators and backups do it. The server must have ended, but
//! for a copy.

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

    /// Copies the whole store of a running server into a new directory of the same file system, as a snapshot of a disk
    /// does: the server is paused for it, for a moment only, because a file of messages that it does not write to any more
    /// is not copied but gets a second name.
    ///
    /// # Errors
    /// When the server has ended, or a file can't be read or written.
    pub fn copy_store(&self, to: &Path) -> Result<()> {
        self.process.pause()?;
        let copied = copy(self.store(), to);
        self.process.resume()?;
        copied
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
    let entries = fs::read_dir(from).with_context(|| from.display().to_string())?;
    let files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let written_to = files.iter().filter_map(|file| number_of(file)).max();
    for file in files {
        let target = to.join(file.file_name().unwrap_or_default());
        let is_full = number_of(&file).is_some_and(|number| Some(number) < written_to);
        match file.is_dir() {
            true => copy(&file, &target)?,
            false if is_full => fs::hard_link(&file, target)?,
            false => drop(fs::copy(&file, target)?),
        }
    }
    Ok(())
}
