//! A started service and its HTTP face, until it is told to stop.

use std::time::Duration;

use anyhow::{Context, bail};
use choreography::Service;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;

use crate::{Stopping, face};

/// How long requests may take to finish once the service stops.
const REQUESTS_FINISH_MAX: Duration = Duration::from_secs(5);
/// How long the batch may take after that. Together with the requests less than the 10 seconds after which
/// supervisors commonly kill.
const BATCH_FINISHES_MAX: Duration = Duration::from_secs(4);

/// Why a service's `main` ended: one line that says what is in the way, and no backtrace of where that was noticed.
pub struct Failure(anyhow::Error);

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

/// `main` shows its error like this.
impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

/// A started service, and the port that its HTTP face will be served at.
pub struct Running {
    /// The service.
    pub service: Service,
    listener: TcpListener,
}

impl Running {
    pub(crate) fn new(service: Service, listener: TcpListener) -> Self {
        Self { service, listener }
    }

    /// Serves HTTP until SIGTERM or SIGINT; then finishes requests and batch, within 10 seconds.
    ///
    /// # Errors
    /// When the service ended by itself.
    pub async fn serve(self, routes: OpenApiRouter<Service>) -> anyhow::Result<()> {
        let Self { service, listener } = self;
        let stopping = Stopping::default();
        let address = listener.local_addr().context("asking for the own address")?;
        let app = face(service.clone(), routes, stopping.clone());
        // Made once: each connection would have a copy of all the routes otherwise, half a megabyte.
        let served = axum::serve(listener, app.into_make_service()).with_graceful_shutdown(stopping.clone().begun());
        let serving = tokio::spawn(served.into_future());
        tracing::info!("{} is served at http://{address}", service.name());
        let failed = tokio::select! {
            reason = stop_signal() => {
                tracing::info!("{} stops: {}", service.name(), reason?);
                false
            }
            () = service.failed() => true,
        };
        stopping.0.cancel();
        if timeout(REQUESTS_FINISH_MAX, serving).await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
        if timeout(BATCH_FINISHES_MAX, service.stop()).await.is_err() {
            tracing::warn!("the last batch did not finish in time; what is not committed is received again");
        }
        if failed {
            bail!("{} ended by itself: see the log", service.name());
        }
        Ok(())
    }
}

async fn stop_signal() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
