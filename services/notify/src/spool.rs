//! Writes mails as files into a directory.
//!
//! One thread writes them one after the other: the kernel creates the files of one directory one by one anyway, so
//! several threads would only wait for each other.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use tokio::sync::oneshot;
use uuid::Uuid;

/// A directory of mails, and the thread that writes them.
pub(crate) struct Spool {
    jobs: Sender<Job>,
}

struct Job {
    id: Uuid,
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

    /// Writes a mail as `<id>.eml`. Written again, it replaces the file.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) async fn put(&self, id: Uuid, mail: Vec<u8>) -> io::Result<()> {
        let (done, written) = oneshot::channel();
        let ended = || io::Error::other("the thread that writes mails has ended");
        self.jobs.send(Job { id, mail, done }).map_err(|_| ended())?;
        written.await.map_err(|_| ended())?
    }
}

/// Writes every mail that comes, until the spool is dropped.
fn write(directory: &Path, jobs: Receiver<Job>) {
    for Job { id, mail, done } in jobs {
        let put = put(directory, id, &mail);
        let put = put.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", directory.display())));
        // Nobody waits any more after the effect's time-out; the effect is run again.
        let _ = done.send(put);
    }
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
