//! Where the keys come from: cached, and read again now and then and when a token names a key that is not there.
//!
//! What must hold: an issuer that changes its keys needs no restart here, and one that does not respond for a while
//! leaves the keys that are known.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::development;
use super::key_set::{Key, KeySet};
use super::settings::KeySource;
use crate::https::{FetchError, HttpsClient};

/// How often keys are read again, so that a key that the issuer has withdrawn does not count for long.
const REFRESH_INTERVAL: Duration = Duration::from_secs(300);
/// How long after a reading unknown keys do not cause another: callers could make the gateway ask without end.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(5);

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
pub(super) struct Keys(Arc<Shared>);

struct Shared {
    source: KeySource,
    /// Only for keys at a URL: a laptop needs no certificates.
    client: Option<HttpsClient>,
    current: RwLock<Arc<KeySet>>,
    /// When keys were read last; whoever reads holds it.
    last_read: Mutex<Instant>,
}

impl Keys {
    pub(super) async fn start(source: KeySource) -> Result<Self, KeySetError> {
        let client = matches!(source, KeySource::Url(_)).then(HttpsClient::new).transpose()?;
        let current = RwLock::new(Arc::new(read(&source, client.as_ref()).await?));
        let keys = Self(Arc::new(Shared { source, client, current, last_read: Mutex::new(Instant::now()) }));
        if keys.0.source != KeySource::Development {
            tokio::spawn(refresh(Arc::downgrade(&keys.0)));
        }
        Ok(keys)
    }

    /// Returns the keys with this id, all of them for none. Reads them again first if none is known.
    pub(super) async fn find(&self, id: Option<&str>) -> Vec<Key> {
        let found = self.0.current().find(id);
        if !found.is_empty() || self.0.source == KeySource::Development {
            return found;
        }
        let mut last_read = self.0.last_read.lock().await;
        let found = self.0.current().find(id); // another caller may have read meanwhile
        if found.is_empty() && last_read.elapsed() >= UNKNOWN_KEY_PAUSE {
            self.0.read_again().await;
            *last_read = Instant::now();
            return self.0.current().find(id);
        }
        found
    }
}

impl Shared {
    fn current(&self) -> Arc<KeySet> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read_again(&self) {
        match read(&self.source, self.client.as_ref()).await {
            Ok(keys) => *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the keys of tokens can't be read: those that are known stay");
            }
        }
    }
}

async fn refresh(keys: std::sync::Weak<Shared>) {
    loop {
        sleep(REFRESH_INTERVAL).await;
        let Some(keys) = keys.upgrade() else { return };
        let mut last_read = keys.last_read.lock().await;
        keys.read_again().await;
        *last_read = Instant::now();
    }
}

async fn read(source: &KeySource, client: Option<&HttpsClient>) -> Result<KeySet, KeySetError> {
    let json = match source {
        KeySource::Development => return Ok(KeySet::of(development::public_key())),
        KeySource::File(path) => tokio::fs::read(path).await.map_err(|error| KeySetError::File(path.clone(), error))?,
        KeySource::Url(url) => {
            let client = client.expect("there is a client for keys at a URL");
            client.get(url).await.map_err(|error| KeySetError::Url(url.clone(), error))?.to_vec()
        }
    };
    let keys = KeySet::read(&json).map_err(|error| KeySetError::Format(source.to_string(), error))?;
    if keys.is_empty() { Err(KeySetError::Empty(source.to_string())) } else { Ok(keys) }
}
