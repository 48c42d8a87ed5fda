//! One process: started, killed, paused, resumed, restarted; its output is kept in a file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getrlimit, kill_process, prlimit, waitid};

/// A program with its arguments and environment.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    path: PathBuf,
    arguments: Vec<OsString>,
    variables: BTreeMap<String, OsString>,
}

impl Program {
    /// Returns a program under the name that its log file and failures have.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), path: path.into(), arguments: Vec::new(), variables: BTreeMap::new() }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds a variable to its environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Lets writes beyond the limit of [`Process::limit_files`] fail; without it the first one ends the process. Its
    /// variable `OPEN_FILES_MAX`, if it has one, limits its open files from the beginning.
    pub fn surviving_file_limits(mut self) -> Self {
        let path = std::mem::replace(&mut self.path, PathBuf::from("sh"));
        let script = r#"trap "" XFSZ; ulimit -n "${OPEN_FILES_MAX:-$(ulimit -n)}"; exec "$0" "$@""#;
        self.arguments.splice(..0, ["-c".into(), script.into(), path.into()]);
        self
    }
}

/// A process that runs, or has run, in a [`crate::World`].
pub struct Process {
    program: Program,
    log: PathBuf,
    directory: PathBuf,
    group: Pid,
    child: Mutex<Child>,
}

impl Process {
    pub(crate) fn start(program: Program, directory: &Path, group: Pid) -> Result<Self> {
        let log = directory.join(format!("{}.log", program.name));
        let child = spawn(&program, directory, &log, group)?;
        Ok(Self { program, log, directory: directory.to_owned(), group, child: Mutex::new(child) })
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child().id()
    }

    /// Ends it with SIGKILL, in the middle of whatever it does.
    pub fn kill(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Sends SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn stop(&self) -> Result<()> {
        self.signal(Signal::TERM)?;
        self.child().wait().with_context(|| format!("waiting for the end of {}", self.name()))?;
        Ok(())
    }

    /// Ends it if it still runs, and starts it again.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart(&self) -> Result<()> {
        self.kill();
        *self.child() = spawn(&self.program, &self.directory, &self.log, self.group)?;
        Ok(())
    }

    /// Restarts it as [`Process::restart`] does, but without one of its variables. The next restart has that variable
    /// again.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart_without(&self, variable: &str) -> Result<()> {
        self.kill();
        let mut program = self.program.clone();
        program.variables.remove(variable);
        *self.child() = spawn(&program, &self.directory, &self.log, self.group)?;
        Ok(())
    }

    /// Pauses it with SIGSTOP until [`Process::resume`], and waits until all of its threads are stopped.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let child = self.child();
        // NOWAIT: its exit status stays there for the call that waits for its end.
        let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(Pid::from_child(&child)), options)?;
        anyhow::ensure!(status.is_some_and(|status| status.stopped()), "{} has ended", self.name());
        Ok(())
    }

    /// Whether it holds a write lock on a part of a file, as SQLite takes them, by `/proc/locks`. A paused process keeps its
    /// lock, and other processes cannot write to the same database.
    pub fn holds_write_lock(&self) -> bool {
        let (locks, id) = (fs::read_to_string("/proc/locks").unwrap_or_default(), self.id().to_string());
        let mut locks = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        locks.any(|words| words.contains(&"POSIX") && words.contains(&"WRITE") && words.get(4) == Some(&id.as_str()))
    }

    /// Resumes it after [`Process::pause`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Limits the size of its files from now on: a write beyond the limit fails, as on a full disk. `None` restores the
    /// limit of the test process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn limit_files(&self, bytes: Option<u64>) -> Result<()> {
        let (child, own) = (self.child(), getrlimit(Resource::Fsize));
        let limit = Rlimit { current: bytes.or(own.current), ..own };
        let limited = prlimit(Some(Pid::from_child(&child)), Resource::Fsize, limit);
        limited.map(drop).with_context(|| format!("limiting the files of {}", self.name()))
    }

    /// Returns how it ended, or nothing while it runs.
    pub fn ended(&self) -> Option<String> {
        self.child().try_wait().ok().flatten().map(|status| format!("{} ended: {status}", self.name()))
    }

    /// Returns its whole output.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Returns the last lines of its output, below a line with its name.
    pub fn last_lines(&self, lines: usize) -> String {
        let log = self.log();
        let mut text = format!("--- {} ---\n", self.name());
        let skipped = log.lines().count().saturating_sub(lines);
        for line in log.lines().skip(skipped) {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    pub(crate) fn reap(&self) {
        let _ = self.child().wait();
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child();
        kill_process(Pid::from_child(&child), signal).with_context(|| format!("sending {signal:?} to {}", self.name()))
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Starts a program. Its errors are printed without a backtrace, which would be all that is seen in the last lines.
fn spawn(program: &Program, directory: &Path, log: &Path, group: Pid) -> Result<Child> {
    let file = OpenOptions::new().create(true).append(true).open(log).with_context(|| format!("opening {log:?}"))?;
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).env("RUST_LIB_BACKTRACE", "0").envs(&program.variables).current_dir(directory);
    command.process_group(group.as_raw_nonzero().get());
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    command.spawn().with_context(|| format!("starting {} ({})", program.name, program.path.display()))
}
