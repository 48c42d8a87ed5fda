//! Writes mails as files, into a directory for each day: one with the mails of years would become slow.
//!
//! One thread writes them one after the other: the kernel creates the files of one directory one by one anyway, so
//! several threads would only wait for each other.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::oneshot;
use uuid::Uuid;

/// A directory of mails, and the thread that writes them.
pub(crate) struct Spool {
    jobs: Sender<Job>,
}

struct Job {
    id: Uuid,
    now: Timestamp,
    mail: Vec<u8>,
    done: oneshot::Sender<io::Result<()>>,
}

impl Spool {
    /// Starts the thread. The directory is made with the first mail.
    pub(crate) fn new(directory: PathBuf) -> Self {
        let (jobs, received) = mpsc::channel();
        thread::spawn(move || write(&directory, received));
        Self { jobs }
    }

    /// Writes a mail as `<day>/<id>.eml`. Written again, on the same day or the next one, it replaces the file.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) async fn put(&self, id: Uuid, now: Timestamp, mail: Vec<u8>) -> io::Result<()> {
        let (done, written) = oneshot::channel();
        let ended = || io::Error::other("the thread that writes mails has ended");
        self.jobs.send(Job { id, now, mail, done }).map_err(|_| ended())?;
        written.await.map_err(|_| ended())?
    }
}

/// Writes every mail that comes, until the spool is dropped.
fn write(directory: &Path, jobs: Receiver<Job>) {
    for Job { id, now, mail, done } in jobs {
        let put = put(&day_of(directory, id, now), id, &mail);
        let put = put.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", directory.display())));
        // Nobody waits any more after the effect's time-out; the effect is run again.
        let _ = done.send(put);
    }
}

/// Returns the directory of a mail: that of today, or that of yesterday if it was written there before.
fn day_of(directory: &Path, id: Uuid, now: Timestamp) -> PathBuf {
    let today = now.to_zoned(TimeZone::UTC).date();
    let yesterday = today.yesterday().map(|day| directory.join(day.to_string()));
    let written_before = yesterday.ok().filter(|day| day.join(format!("{id}.eml")).exists());
    written_before.unwrap_or_else(|| directory.join(today.to_string()))
}

/// Writes a mail under another name and renames it, so that the directory has whole mails only.
fn put(directory: &Path, id: Uuid, mail: &[u8]) -> io::Result<()> {
    let part = directory.join(format!("{id}.part"));
    match fs::write(&part, mail) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(directory)?;
            fs::write(&part, mail)?;
        }
        written => written?,
    }
    fs::rename(&part, directory.join(format!("{id}.eml")))
}
