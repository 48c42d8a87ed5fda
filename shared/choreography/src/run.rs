//! Runs a service until the process gets a signal to stop.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// How long the last batch may take once the service stops: supervisors commonly kill after 10 seconds.
const STOP_MAX: Duration = Duration::from_secs(9);

/// Why [`Service::run_until_stopped`](crate::Service::run_until_stopped) ended with an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The service ended itself.
    #[error("{service} ended itself: {why}")]
    Failed {
        /// The service's name.
        service: &'static str,
        /// Why it can't go on.
        why: String,
    },
    /// The last batch did not finish in time. What is not committed is received again after the next start.
    #[error("{service} did not stop in time: what is not committed is received again")]
    Unfinished {
        /// The service's name.
        service: &'static str,
    },
    /// The process can't wait for signals.
    #[error("cannot wait for SIGTERM and SIGINT")]
    Signal(#[from] std::io::Error),
}

/// Waits for SIGTERM or Ctrl-C, or until the service has failed; then stops it.
pub(crate) async fn until_stopped(
    service: &'static str,
    failed: impl Future<Output = String>,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let failure = tokio::select! {
        biased;
        signal = stop_signal() => {
            tracing::info!(service, signal = signal?, "stopping");
            None
        }
        why = failed => Some(why),
    };
    timeout(STOP_MAX, stop).await.map_err(|_| RunError::Unfinished { service })?;
    failure.map_or(Ok(()), |why| Err(RunError::Failed { service, why }))
}

/// SIGXFSZ on Linux and macOS: a file would become larger than the process may write (`ulimit -f`).
const FILE_TOO_LARGE: i32 = 25;

/// Waits for SIGTERM or SIGINT (Ctrl-C), and returns its name. From then on a file that becomes too large does not end the
/// process without a word: writing to it fails, which for the database is an error like a full disk.
///
/// # Errors
/// When the process can't wait for signals.
///
/// ```no_run
/// # async fn wait() -> std::io::Result<()> {
/// println!("stopping: {}", choreography::stop_signal().await?);
/// # Ok(())
/// # }
/// ```
pub async fn stop_signal() -> Result<&'static str, std::io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // It stays handled when this is dropped.
    drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
    Ok(tokio::select! {
        biased;
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_becomes_too_large_does_not_end_the_process() {
        let mut waiting = std::pin::pin!(stop_signal());
        assert!(futures::poll!(&mut waiting).is_pending());
        let process = std::process::id().to_string();
        let sent = std::process::Command::new("kill").args(["-XFSZ", &process]).status().expect("kill runs");
        assert!(sent.success() && futures::poll!(waiting).is_pending());
    }
}
