//! A world: a directory and a group of processes. When the test process ends, for whatever reason, the processes end
//! and the directory is removed.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::process::{Process, Program};

/// Ends the group `$0` and removes the directory `$1` when its standard input is closed: also when the test process was
/// killed, and for worlds in a `static`, which are never dropped.
const GUARD: &str = r#"cat >/dev/null; kill -s KILL -- "-$0"; [ -e "$1" ] || exit; sleep 0.2; rm -rf "$1""#;

/// How long the process lives that keeps the id of the group in use while its members come and go: longer than any
/// test.
const ANCHOR_SECONDS: &str = "86400";

/// A directory, and the processes that run in it. Dropping it ends the processes and removes the directory.
pub struct World {
    directory: Option<TempDir>,
    group: Pid,
    anchor: Child,
    guard: Child,
    processes: Mutex<Vec<Arc<Process>>>,
}

impl World {
    /// Creates an empty one.
    ///
    /// # Errors
    /// When the directory or a process cannot be created.
    pub fn new(name: &str) -> Result<Self> {
        Self::within(name, &std::env::temp_dir())
    }

    /// Creates an empty one whose directory is beside the built programs, so that it is on a disk; temporary files may
    /// be in memory.
    ///
    /// # Errors
    /// When the directory or a process cannot be created.
    pub fn beside_programs(name: &str) -> Result<Self> {
        let running = std::env::current_exe().context("finding the path of this program")?;
        Self::within(name, running.parent().context("this program has no directory")?)
    }

    fn within(name: &str, parent: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(parent);
        let directory = directory.context("creating a directory")?;
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

    /// Returns its directory.
    pub fn directory(&self) -> &Path {
        self.directory.as_ref().expect("it is taken by drop only").path()
    }

    /// Starts a program in it. The output goes to `<name>.log` in the directory.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&self, program: Program) -> Result<Arc<Process>> {
        let process = Arc::new(Process::start(program, self.directory(), self.group)?);
        self.processes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(process.clone());
        Ok(process)
    }

    /// Returns the last lines of the output of every process, for the message of a failure.
    pub fn last_lines(&self, lines: usize) -> String {
        let processes = self.processes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        processes.iter().map(|process| process.last_lines(lines)).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.anchor.wait();
        for process in self.processes.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            process.reap();
        }
        // Fails when a child of a child still writes; then the guard removes the directory.
        drop(self.directory.take());
        drop(self.guard.stdin.take());
        let begin = Instant::now();
        while self.guard.try_wait().is_ok_and(|code| code.is_none()) && begin.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Returns the directory of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map_or_else(PathBuf::new, Path::to_owned)
}

/// Returns the path of a binary of the workspace, built in the same profile as the running one.
///
/// # Errors
/// When it is not built: tests do not build what they start.
pub fn binary(name: &str) -> Result<PathBuf> {
    let running = std::env::current_exe().context("finding the path of this program")?;
    let directories = running.ancestors().skip(1).take(2);
    directories
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("the program `{name}` is not built beside {}: run 'make test'", running.display()))
}
