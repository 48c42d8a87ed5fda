//! The names of products, for the pages of orders: an order knows its products by their codes alone.
//!
//! What must hold: while inventory does not respond, orders are shown all the same, with codes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::products::catalogue;
use super::session::Session;
use crate::gateway::Gateway;

/// How long names are kept: a product that gets another name is shown with it a minute later.
const KEPT: Duration = Duration::from_secs(60);
/// The pause after a reading that failed.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// How long a page waits for names; orders are read meanwhile.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// Names by the codes of the products.
pub(super) type Names = Arc<HashMap<String, String>>;

/// The names of the products in the catalogue, as inventory showed them last. A clone is the same.
#[derive(Clone, Default)]
pub struct ProductNames(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    names: Names,
    /// Until when they are not read again.
    fresh_until: Option<Instant>,
}

impl ProductNames {
    /// Returns the names that are known. Those that are not fresh are read before, if inventory responds soon.
    pub(super) async fn get(&self, gateway: &Gateway, session: &Session) -> Names {
        let is_fresh = self.known().fresh_until.is_some_and(|until| Instant::now() < until);
        if is_fresh {
            return self.known().names.clone();
        }
        let read = timeout(WAIT_MAX, catalogue(gateway, session)).await;
        let mut known = self.known();
        let kept = match read {
            Ok(Ok(products)) => {
                known.names = Arc::new(products.into_iter().map(|product| (product.sku, product.name)).collect());
                KEPT
            }
            _ => RETRY_PAUSE, // that inventory does not respond is logged where it is asked
        };
        known.fresh_until = Some(Instant::now() + kept);
        known.names.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
