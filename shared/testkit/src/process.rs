//! One process: started, killed, paused, woken, started again; its output kept.

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

/// What to run, and with what.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    path: PathBuf,
    arguments: Vec<OsString>,
    variables: BTreeMap<String, OsString>,
}

impl Program {
    /// A program under a name that its log and failures bear.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), path: path.into(), arguments: Vec::new(), variables: BTreeMap::new() }
    }

    /// With an argument.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With a variable in its environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Past a limit that [`Process::limit_files`] sets, its writes fail; otherwise such a write would kill it.
    pub fn bearing_file_limits(mut self) -> Self {
        let path = std::mem::replace(&mut self.path, PathBuf::from("sh"));
        let script = r#"trap "" XFSZ; exec "$0" "$@""#;
        self.arguments.splice(..0, ["-c".into(), script.into(), path.into()]);
        self
    }
}

/// A program that runs, or ran, in a [`crate::World`].
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

    /// Its name.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child().id()
    }

    /// Kills it with SIGKILL: it gets no chance to finish anything.
    pub fn kill(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Asks it to end with SIGTERM, and waits for that.
    ///
    /// # Errors
    /// When it can't be asked.
    pub fn stop(&self) -> Result<()> {
        self.signal(Signal::TERM)?;
        self.child().wait().with_context(|| format!("waiting for the end of {}", self.name()))?;
        Ok(())
    }

    /// Starts it again, with what it was started with.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn again(&self) -> Result<()> {
        self.kill();
        *self.child() = spawn(&self.program, &self.directory, &self.log, self.group)?;
        Ok(())
    }

    /// Starts it again without one of its variables; the next time it is started, it has that one again.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn again_without(&self, variable: &str) -> Result<()> {
        self.kill();
        let mut program = self.program.clone();
        program.variables.remove(variable);
        *self.child() = spawn(&program, &self.directory, &self.log, self.group)?;
        Ok(())
    }

    /// Stops the clock for it (SIGSTOP), and waits until all of it stands still: it does nothing and loses nothing,
    /// until [`Process::wake`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let child = self.child();
        // It is only looked at: an end is left for the one who waits for it.
        let look = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(Pid::from_child(&child)), look)?;
        anyhow::ensure!(status.is_some_and(|status| status.stopped()), "{} has ended", self.name());
        Ok(())
    }

    /// Whether it holds a lock for writing on some file, as `/proc/locks` says: paused, it keeps it, and whoever wants
    /// to write to the same database waits.
    pub fn holds_write_lock(&self) -> bool {
        let (locks, id) = (fs::read_to_string("/proc/locks").unwrap_or_default(), self.id().to_string());
        let mut locks = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        locks.any(|words| words.contains(&"WRITE") && words.get(4) == Some(&id.as_str()))
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn wake(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Lets none of its files grow beyond so many bytes from now on: to write there fails, as on a full disk. None is the
    /// limit that this process has, too.
    ///
    /// # Errors
    /// When it has ended.
    pub fn limit_files(&self, bytes: Option<u64>) -> Result<()> {
        let (child, own) = (self.child(), getrlimit(Resource::Fsize));
        let limit = Rlimit { current: bytes.or(own.current), ..own };
        let limited = prlimit(Some(Pid::from_child(&child)), Resource::Fsize, limit);
        limited.map(drop).with_context(|| format!("limiting the files of {}", self.name()))
    }

    /// Whether it ended by itself, and how.
    pub fn ended(&self) -> Option<String> {
        self.child().try_wait().ok().flatten().map(|status| format!("{} ended: {status}", self.name()))
    }

    /// All that it wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines of its log, under its name.
    pub fn last_words(&self, lines: usize) -> String {
        let log = self.log();
        let mut words = format!("--- {} ---\n", self.name());
        let skipped = log.lines().count().saturating_sub(lines);
        for line in log.lines().skip(skipped) {
            let _ = writeln!(words, "{line}");
        }
        words
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

fn spawn(program: &Program, directory: &Path, log: &Path, group: Pid) -> Result<Child> {
    let file = OpenOptions::new().create(true).append(true).open(log).with_context(|| format!("opening {log:?}"))?;
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).envs(&program.variables).current_dir(directory);
    command.process_group(group.as_raw_nonzero().get());
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    command.spawn().with_context(|| format!("starting {} ({})", program.name, program.path.display()))
}
