//! Where the keys come from: cached, and read again now and then and when a token names a key that is not there.
//!
//! What must hold: an issuer that changes its keys needs no restart here; one that is in trouble leaves the keys that
//! are known, and lets no request wait for long; and callers can't make the gateway ask it more often than every few
//! seconds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::development;
use super::key_set::{Key, KeySet};
use super::settings::KeySource;
use crate::https::{FetchError, HttpsClient};

/// How often keys are read again, so that a key that the issuer has withdrawn does not count for long.
const REFRESH_INTERVAL: Duration = Duration::from_secs(300);
/// The shortest time between two readings. Without it callers with unknown keys could make the gateway ask without end.
const READ_PAUSE: Duration = Duration::from_secs(5);
/// How long a request with an unknown key waits for the keys to be read: an issuer that works responds within it.
const UNKNOWN_KEY_WAIT: Duration = Duration::from_secs(1);

/// Why a key set can't be read.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// The file can't be read.
    #[error("reading the keys of tokens from {}", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The URL can't be read.
    #[error("fetching the keys of tokens from {0}")]
    Url(String, #[source] FetchError),
    /// The certificates that the system trusts can't be read.
    #[error("reading the certificates that the system trusts")]
    Certificates(#[from] std::io::Error),
    /// It is no key set.
    #[error("the keys of tokens at {0} are no JSON Web Key Set")]
    Format(String, #[source] serde_json::Error),
    /// It has no key that can be used.
    #[error("the keys of tokens at {0} have none for RS256, ES256 or EdDSA")]
    Empty(String),
}

/// The keys of an issuer, as they were read last. A clone is the same.
#[derive(Clone)]
pub(super) struct Keys {
    last: watch::Receiver<Reading>,
    /// Tells the task that reads them that a token names an unknown key; none for the development key.
    wanted: Option<Arc<Notify>>,
}

/// The keys after a reading. One that failed leaves those of the one before.
struct Reading {
    keys: KeySet,
    ended_at: Instant,
    succeeded: bool,
}

impl Reading {
    fn first(keys: KeySet, succeeded: bool) -> Self {
        Self { keys, ended_at: Instant::now(), succeeded }
    }

    /// Takes the next one. Trouble is logged once when it begins and once when it is over.
    fn update(&mut self, read: Result<KeySet, KeySetError>) {
        let succeeded_before = std::mem::replace(&mut self.succeeded, read.is_ok());
        self.ended_at = Instant::now();
        match read {
            Ok(keys) => {
                self.keys = keys;
                if !succeeded_before {
                    tracing::info!("the keys of tokens can be read again");
                }
            }
            Err(error) if succeeded_before => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the keys of tokens can't be read: those that are known stay");
            }
            Err(_) => (),
        }
    }
}

impl Keys {
    /// Returns the keys, and reads them again from now on. Keys at a URL that can't be read yet are none for now: an
    /// issuer that is down for a while keeps no gateway from starting.
    pub(super) async fn start(source: KeySource) -> Result<Self, KeySetError> {
        // Only for keys at a URL: a laptop needs no certificates.
        let client = matches!(source, KeySource::Url(_)).then(HttpsClient::new).transpose()?;
        let reading = match read(&source, client.as_ref()).await {
            Ok(keys) => Reading::first(keys, true),
            Err(error) if client.is_some() => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the keys of tokens can't be read: no token counts until they can");
                Reading::first(KeySet::default(), false)
            }
            Err(error) => return Err(error),
        };
        let (readings, last) = watch::channel(reading);
        if source == KeySource::Development {
            return Ok(Self { last, wanted: None });
        }
        let wanted = Arc::new(Notify::new());
        tokio::spawn(read_again(source, client, readings, wanted.clone()));
        Ok(Self { last, wanted: Some(wanted) })
    }

    /// Whether the keys were read at least once.
    pub(super) fn are_known(&self) -> bool {
        !self.last.borrow().keys.is_empty()
    }

    /// Returns the keys with this id, all of them for none. If none is known, waits a moment for them to be read again.
    pub(super) async fn find(&self, id: Option<&str>) -> Vec<Key> {
        let mut last = self.last.clone();
        let (found, age) = {
            let reading = last.borrow_and_update();
            (reading.keys.find(id), reading.ended_at.elapsed())
        };
        match &self.wanted {
            Some(wanted) if found.is_empty() && age >= READ_PAUSE => {
                wanted.notify_one();
                // Without a reading in time the key stays unknown.
                let _ = timeout(UNKNOWN_KEY_WAIT, last.changed()).await;
                last.borrow().keys.find(id)
            }
            _ => found,
        }
    }
}

/// Reads keys again until nobody needs them any more.
async fn read_again(
    source: KeySource,
    client: Option<HttpsClient>,
    readings: watch::Sender<Reading>,
    wanted: Arc<Notify>,
) {
    loop {
        sleep(READ_PAUSE).await;
        let rest = if readings.borrow().succeeded { REFRESH_INTERVAL - READ_PAUSE } else { Duration::ZERO };
        tokio::select! {
            () = sleep(rest) => (),
            () = wanted.notified() => (),
            () = readings.closed() => return,
        }
        let read = read(&source, client.as_ref()).await;
        readings.send_modify(|reading| reading.update(read));
    }
}

async fn read(source: &KeySource, client: Option<&HttpsClient>) -> Result<KeySet, KeySetError> {
    let json = match source {
        KeySource::Development => return Ok(KeySet::of(development::public_key())),
        KeySource::File(path) => tokio::fs::read(path).await.map_err(|error| KeySetError::File(path.clone(), error))?,
        KeySource::Url(url) => {
            let client = client.expect("there is a client for keys at a URL");
            client.get(url).await.map_err(|error| KeySetError::Url(source.to_string(), error))?.to_vec()
        }
    };
    let keys = KeySet::read(&json).map_err(|error| KeySetError::Format(source.to_string(), error))?;
    if keys.is_empty() { Err(KeySetError::Empty(source.to_string())) } else { Ok(keys) }
}
