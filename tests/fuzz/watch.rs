//! Ends the process when an input is checked for ever, and says which one.

use std::process::exit;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long an input may take: longer than every time-out of what is fuzzed, also on a busy machine.
const INPUT_TIME_MAX: Duration = Duration::from_secs(120);

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

/// Returns the command that repeats an input.
pub(crate) fn again(target: &str, input: &[u8]) -> String {
    format!("again: FUZZ_INPUT={} cargo test -p shop-tests --test fuzz -- --exact {target}", hex(input))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
