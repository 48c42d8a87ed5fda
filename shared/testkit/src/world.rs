//! A world: a directory and a group of processes. What must hold: when the test process is gone, for whatever
//! reason, so are they.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::process::{Process, Program};

/// Ends the group `$0` and removes the directory `$1` once nobody holds its standard input any more: also when the
/// test process was killed, and for worlds in a `static`, which are never dropped.
const GUARD: &str = r#"cat >/dev/null; kill -s KILL -- "-$0"; [ -e "$1" ] || exit; sleep 0.2; rm -rf "$1""#;

/// What keeps the group's number taken while its members come and go. Longer than any test.
const ANCHOR_SECONDS: &str = "86400";

/// A directory, and the processes that live in it. Everything ends with it.
pub struct World {
    directory: Option<TempDir>,
    group: Pid,
    anchor: Child,
    guard: Child,
    processes: Mutex<Vec<Arc<Process>>>,
}

impl World {
    /// A new, empty one.
    ///
    /// # Errors
    /// When the system gives no directory or process.
    pub fn new(name: &str) -> Result<Self> {
        Self::within(name, &std::env::temp_dir())
    }

    /// A new, empty one whose directory is beside the built programs: on a disk, also where temporary files are in
    /// memory.
    ///
    /// # Errors
    /// When the system gives no directory or process.
    pub fn beside_programs(name: &str) -> Result<Self> {
        let running = std::env::current_exe().context("asking where this program is")?;
        Self::within(name, running.parent().context("a program is in a directory")?)
    }

    fn within(name: &str, parent: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(parent);
        let directory = directory.context("making a directory")?;
        let mut anchor = Command::new("sleep");
        let anchor = anchor.arg(ANCHOR_SECONDS).process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        let anchor = anchor.stderr(Stdio::null()).spawn().context("starting `sleep`")?;
        let group = Pid::from_child(&anchor);
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, &anchor.id().to_string()]).arg(directory.path());
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = guard.spawn().context("starting `sh`")?;
        Ok(Self { directory: Some(directory), group, anchor, guard, processes: Mutex::default() })
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        self.directory.as_ref().expect("is taken at the drop only").path()
    }

    /// Starts a program in it. Its output goes to `<name>.log` in the directory.
    ///
    /// # Errors
    /// When the program can't be started.
    pub fn start(&self, program: Program) -> Result<Arc<Process>> {
        let process = Arc::new(Process::start(program, self.directory(), self.group)?);
        self.processes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(process.clone());
        Ok(process)
    }

    /// The last lines of every process's log, for the one who reads a failure.
    pub fn last_words(&self, lines: usize) -> String {
        let processes = self.processes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        processes.iter().map(|process| process.last_words(lines)).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.anchor.wait();
        for process in self.processes.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            process.reap();
        }
        // What the children of our children still write would make the removal fail; the guard tries again.
        drop(self.directory.take());
        drop(self.guard.stdin.take());
        let begin = Instant::now();
        while self.guard.try_wait().is_ok_and(|code| code.is_none()) && begin.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The directory of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map_or_else(PathBuf::new, Path::to_owned)
}

/// A binary of the workspace, built in the same profile as the running one.
///
/// # Errors
/// When it was not built: tests don't build what they start.
pub fn binary(name: &str) -> Result<PathBuf> {
    let running = std::env::current_exe().context("asking where this program is")?;
    let directories = running.ancestors().skip(1).take(2);
    directories
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("the program `{name}` is not built beside {}: run 'make test'", running.display()))
}
