//! The files that a process has open as its database.
//!
//! What must hold: nothing is committed into a file that is not found at the database's path any more. SQLite would go on
//! with the file that it has open, and what it accepts would be lost with the process.

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// The database's file and its write-ahead log, as they were when the process opened them.
#[derive(Debug, Clone)]
pub(super) struct OpenFiles(Vec<(PathBuf, Identity)>);

/// What a file is, whatever its name: its device and its number there.
type Identity = (u64, u64);

impl OpenFiles {
    /// Notes which files are at a database's path. SQLite keeps both as long as a process has them open.
    pub(super) fn of(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let noted = |path: PathBuf| identity(&path).ok().map(|identity| (path, identity));
        Self([path.to_owned(), log.into()].into_iter().filter_map(noted).collect())
    }

    /// Looks whether they are where they were: a few microseconds.
    ///
    /// # Errors
    /// [`StoreError::Database`] while one is gone, [`StoreError::PutBack`] if another one is in its place.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.0.iter().try_for_each(|(path, opened)| match identity(path) {
            Ok(found) if found == *opened => Ok(()),
            Ok(_) => Err(StoreError::PutBack(format!("{} is another file than before", path.display()))),
            Err(error) => Err(missing(path, error)),
        })
    }
}

fn identity(path: &Path) -> Result<Identity, Error> {
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

fn missing(path: &Path, error: Error) -> StoreError {
    if error.kind() != ErrorKind::NotFound {
        return StoreError::database(format!("looking at {}", path.display()), error);
    }
    let advice =
        "was moved or deleted while this process has it open: move it back, or stop all instances and put a copy back";
    StoreError::database("looking at its files", format!("{} {advice}", path.display()))
}
