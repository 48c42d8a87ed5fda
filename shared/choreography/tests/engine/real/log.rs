//! What a service logs: its runtime's threads write it into memory.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;
use tracing::Dispatch;

#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Log {
    /// Returns a runtime of which everything is logged here.
    pub(super) fn runtime(&self) -> Runtime {
        let log = self.clone();
        let written = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish();
        let dispatch = Dispatch::new(written);
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        // For as long as the thread lives.
        let begin = move || std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        runtime.worker_threads(1).enable_all().on_thread_start(begin).build().unwrap()
    }

    /// Returns the warnings, and the lines that say that a trouble is over.
    pub(super) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let is_wanted = |line: &&str| [" WARN ", " ERROR ", ": over after "].iter().any(|word| line.contains(word));
        text.lines().filter(is_wanted).map(str::to_owned).collect()
    }
}
