//! Whether the process that leads is still there: it holds a lock on a file beside the database, which the kernel takes from
//! it when it ends, however it ends. So an instance need not wait until the lease of a killed one is over.
//!
//! What must hold: a lease is taken early only if its leader had the lock once (`head.locked_epoch`) and has it no more. A
//! leader gives the lock up only after its lease; one that is stopped keeps it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock of the leader.
#[derive(Debug)]
pub(super) struct LeaderLock {
    path: PathBuf,
    /// The locked file, while this store has the lock.
    held: Mutex<Option<File>>,
}

impl LeaderLock {
    /// Returns the lock of a database, which nobody has taken here yet.
    pub(super) fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-leader");
        Self { path: path.into(), held: Mutex::new(None) }
    }

    /// Takes the lock unless another process has it. Returns whether this store has it now; never where files can't be
    /// locked.
    pub(super) fn take(&self) -> bool {
        let mut held = self.held();
        if held.is_none() {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.path).ok();
            *held = file.filter(|file| file.try_lock().is_ok());
        }
        held.is_some()
    }

    /// Gives the lock up, if this store has it.
    pub(super) fn give_up(&self) {
        *self.held() = None;
    }

    fn held(&self) -> MutexGuard<'_, Option<File>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
