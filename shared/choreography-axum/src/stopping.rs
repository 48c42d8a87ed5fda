//! The signal to handlers that the service stops.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio_util::sync::CancellationToken;

/// The signal that the service stops, so that responses without an end (server-sent events) end then.
///
/// ```
/// # use choreography_axum::Stopping;
/// # use futures::{Stream, StreamExt};
/// fn until_the_service_stops<S: Stream>(events: S, stopping: Stopping) -> impl Stream<Item = S::Item> {
///     events.take_until(stopping.begun())
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Stopping(CancellationToken);

impl Stopping {
    /// Waits until the service stops.
    pub async fn begun(self) {
        self.0.cancelled().await;
    }

    /// Ends every wait for the stop.
    pub(crate) fn begin(&self) {
        self.0.cancel();
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Stopping {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
