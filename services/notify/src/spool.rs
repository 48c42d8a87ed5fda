//! Mails as files of a directory.
//!
//! One thread writes them, one after the other: in one directory the kernel makes files one by one anyway, and several
//! threads would only wait for each other.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A directory that mails are put into.
pub(crate) struct Spool {
    jobs: Sender<Job>,
}

struct Job {
    id: Uuid,
    mail: Vec<u8>,
    done: oneshot::Sender<Result<()>>,
}

impl Spool {
    /// A directory, which is made with the first mail.
    pub(crate) fn new(directory: PathBuf) -> Self {
        let (jobs, received) = mpsc::channel();
        thread::spawn(move || write(&directory, received));
        Self { jobs }
    }

    /// Puts a mail there, as `<id>.eml`.
    ///
    /// # Errors
    /// When the file can't be written; trying again does no harm.
    pub(crate) async fn put(&self, id: Uuid, mail: Vec<u8>) -> Result<()> {
        let (done, written) = oneshot::channel();
        let ended = "the thread that writes mails has ended";
        self.jobs.send(Job { id, mail, done }).ok().context(ended)?;
        written.await.context(ended)?
    }
}

/// Writes whatever comes, as long as there is somebody who may send something.
fn write(directory: &Path, jobs: Receiver<Job>) {
    for Job { id, mail, done } in jobs {
        let put = put(directory, id, &mail);
        // Nobody waits any more when the effect was given up; it is run again.
        let _ = done.send(put.with_context(|| format!("putting the mail into {}", directory.display())));
    }
}

/// Whoever looks into the directory finds whole mails only.
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
