//! The lifetime of a connection to the server in memory: it ends once, for one reason.

use std::time::Duration;

use super::SharedWorld;
use crate::bus::BusError;
use crate::watched::Watched;

/// How long a reply that never comes is awaited.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a connection is still alive.
#[derive(Clone)]
pub(super) struct Lifetime {
    lost: Watched<Option<String>>,
}

impl Lifetime {
    /// Opens a connection.
    pub(super) fn begin(shared: &SharedWorld) -> Result<Self, BusError> {
        let mut world = shared.world();
        match world.down {
            true => Err(BusError::Lost("the server is down".to_owned())),
            false => Ok(Self { lost: world.connection() }),
        }
    }

    /// Checks that the connection is alive.
    ///
    /// # Errors
    /// [`BusError::Lost`] once it is lost.
    pub(super) fn check(&self) -> Result<(), BusError> {
        self.lost.get().map_or(Ok(()), |reason| Err(BusError::Lost(reason)))
    }

    /// Waits until the connection is lost. Returns why.
    pub(super) async fn end(&self) -> String {
        self.lost.wait_for(Option::is_some).await;
        self.lost.get().unwrap_or_default()
    }

    /// Waits for a reply that never comes. Returns how that ends.
    pub(super) async fn silence(&self) -> BusError {
        tokio::select! {
            biased;
            reason = self.end() => BusError::Lost(reason),
            () = tokio::time::sleep(REPLY_TIMEOUT) => BusError::Lost(format!("no reply within {REPLY_TIMEOUT:?}")),
        }
    }
}
