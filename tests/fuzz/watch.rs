//! Ends the process when an input is checked for ever, and says which one.

use std::process::exit;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::again::again;
use crate::limits::INPUT_TIME_MAX;

/// Watches the inputs of a target.
pub(crate) struct Watch {
    input: Arc<Mutex<Vec<u8>>>,
    begins: Sender<()>,
}

impl Watch {
    pub(crate) fn start(target: &'static str) -> Self {
        let (begins, next) = channel();
        let input: Arc<Mutex<Vec<u8>>> = Arc::default();
        let watched = input.clone();
        thread::spawn(move || {
            let mut last = Ok(());
            while last.is_ok() {
                last = next.recv_timeout(INPUT_TIME_MAX);
            }
            if last == Err(RecvTimeoutError::Timeout) {
                let input = watched.lock().map(|input| input.clone()).unwrap_or_default();
                eprintln!("{target} does not end\n{}", again(target, &input));
                exit(1);
            }
        });
        Self { input, begins }
    }

    /// Notes that another input begins.
    pub(crate) fn begin(&self, input: &[u8]) {
        if let Ok(mut watched) = self.input.lock() {
            *watched = input.to_vec();
        }
        // The thread lives as long as this.
        _ = self.begins.send(());
    }
}
