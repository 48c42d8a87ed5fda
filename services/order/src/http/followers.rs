//! Who follows stories at the moment: their number is bounded for each customer and in total. The gateway bounds those
//! of each caller in the same way, before order is asked.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use choreography_axum::Problem;
use contracts::CustomerId;

/// The largest number of stories that are followed at once: each needs five of the 4,096 subscriptions that the message
/// server allows, and a connection.
const FOLLOWERS_MAX: usize = 512;
/// The largest number of stories of one customer's orders that are followed at once: some open pages on some devices.
const FOLLOWERS_OF_CUSTOMER_MAX: usize = 16;
/// After how many seconds a caller may try again: an order's story ends within some seconds, or minutes.
const TRY_AGAIN_SECONDS: u32 = 10;

static FOLLOWERS: LazyLock<Mutex<HashMap<CustomerId, usize>>> = LazyLock::new(Mutex::default);

fn followers() -> MutexGuard<'static, HashMap<CustomerId, usize>> {
    FOLLOWERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A follower's place, until it is dropped.
#[derive(Debug)]
pub struct Place(CustomerId);

impl Place {
    /// Returns a place for a story of a customer's order.
    ///
    /// # Errors
    /// 429 if the customer has too many, 503 if all callers together have.
    pub fn take(customer: CustomerId) -> Result<Self, Problem> {
        let mut followers = followers();
        if followers.get(&customer).is_some_and(|count| *count >= FOLLOWERS_OF_CUSTOMER_MAX) {
            let who = format!("{FOLLOWERS_OF_CUSTOMER_MAX} stories of this customer's orders are followed");
            return Err(too_many(StatusCode::TOO_MANY_REQUESTS, &who));
        }
        if followers.values().sum::<usize>() >= FOLLOWERS_MAX {
            return Err(too_many(StatusCode::SERVICE_UNAVAILABLE, &format!("{FOLLOWERS_MAX} stories are followed")));
        }
        *followers.entry(customer).or_default() += 1;
        Ok(Self(customer))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut followers = followers();
        if let Some(count) = followers.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                followers.remove(&self.0);
            }
        }
    }
}

fn too_many(status: StatusCode, who: &str) -> Problem {
    let detail = format!("{who} already: read /story instead, or try again later");
    Problem::new(status, "too-many-followers", detail).retry_after(TRY_AGAIN_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::tests::id;

    #[test]
    fn a_customer_takes_a_few_places_and_all_together_a_bounded_number() {
        let take = |customer: u128| Place::take(id(1_000 + customer)).map_err(|problem| problem.status);
        let own: Vec<_> = (0..FOLLOWERS_OF_CUSTOMER_MAX).map(|_| take(0).unwrap()).collect();
        assert_eq!(take(0).err(), Some(429));
        let customers = FOLLOWERS_MAX / FOLLOWERS_OF_CUSTOMER_MAX;
        let others: Vec<_> = (FOLLOWERS_OF_CUSTOMER_MAX..FOLLOWERS_MAX)
            .map(|place| take((1 + place % (customers - 1)) as u128).unwrap())
            .collect();
        assert_eq!(take(99).err(), Some(503));
        drop(own);
        assert!(take(99).is_ok());
        drop(others);
        assert!(followers().is_empty());
    }
}
