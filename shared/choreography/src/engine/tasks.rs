//! The tasks of a service, each watched: one that ends by itself is noticed, whichever it is.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::stopping::Stopping;

/// The running tasks of a service.
pub(crate) struct Tasks {
    stopping: Stopping,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

/// Ends the service with a task, also when it panics: the others can't work without it.
struct EndReport {
    task: &'static str,
    stopping: Stopping,
}

impl Drop for EndReport {
    fn drop(&mut self) {
        self.stopping.fail(format!("its task \"{}\" ended by itself, which is a bug: see the log", self.task));
    }
}

impl Tasks {
    pub(crate) fn new(stopping: Stopping) -> Self {
        Self { stopping, handles: Mutex::default() }
    }

    /// Starts a task. It must run until the service stops.
    pub(crate) fn start(&self, task: &'static str, running: impl Future<Output = ()> + Send + 'static) {
        let report = EndReport { task, stopping: self.stopping.clone() };
        let handle = tokio::spawn(async move {
            let _report = report;
            running.await;
        });
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    /// Ends every task at its next await, without its doing.
    #[cfg(feature = "testing")]
    pub(crate) fn abort(&self) {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(JoinHandle::abort);
    }

    /// Waits until every task has ended.
    pub(crate) async fn ended(&self) {
        let handles = std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        for handle in handles {
            if let Err(error) = handle.await
                && !error.is_cancelled()
            {
                tracing::error!(%error, "a task panicked during the stop: what is not committed is received again");
            }
        }
    }
}
