//! Customers who arrive at a steady rate, whatever happens meanwhile.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shop_tests::{Order, PATIENCE, Request, Shop};
use testkit::until;
use tokio::time::{MissedTickBehavior, interval};

/// `Retry-After` of a refused order: the rest of the breaker's cycle, which takes five seconds.
const RETRY_AFTER_SECONDS: std::ops::RangeInclusive<u64> = 1..=5;

/// Counts the orders that were accepted and refused. A refused customer does not try again.
#[derive(Default)]
pub struct Tally {
    accepted: AtomicU32,
    refused: AtomicU32,
}

/// Starts a customer every so often until `meanwhile` ends, then waits until all of them have finished. Each gets a
/// number. Returns what `meanwhile` returns.
pub async fn customers<T>(every: Duration, customer: impl AsyncFn(u32), meanwhile: impl Future<Output = T>) -> T {
    let (mut running, mut meanwhile) = (FuturesUnordered::new(), pin!(meanwhile));
    let mut pace = interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0;
    let over = loop {
        tokio::select! {
            over = &mut meanwhile => break over,
            _ = pace.tick() => {
                running.push(customer(number));
                number += 1;
            }
            Some(()) = running.next(), if !running.is_empty() => {}
        }
    };
    running.collect::<()>().await;
    over
}

impl Tally {
    /// Places an order once. Returns nothing when it is refused, which must be with this problem and a `Retry-After`.
    pub async fn order(&self, shop: &Shop, request: Request, refusal: &str) -> Option<Order> {
        match shop.try_place(request).await {
            Ok(order) => {
                self.accepted.fetch_add(1, Ordering::Relaxed);
                Some(order)
            }
            Err(reply) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                assert!(reply.retry_after.is_some_and(|it| RETRY_AFTER_SECONDS.contains(&it)), "{reply:?}");
                let problem = reply.problem(&[503]);
                assert_eq!(problem["type"], format!("urn:problem:{refusal}"), "{problem}");
                None
            }
        }
    }

    /// Returns how many orders were accepted.
    pub fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Returns how many orders were refused.
    pub fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until this many more are accepted.
    pub async fn expect_accepted(&self, more: u32) {
        expect_more("accepted", more, || self.accepted()).await;
    }

    /// Waits until this many more are refused.
    pub async fn expect_refused(&self, more: u32) {
        expect_more("refused", more, || self.refused()).await;
    }
}

async fn expect_more(what: &str, more: u32, count: impl Fn() -> u32) {
    let wanted = count() + more;
    until(
        format_args!("{more} more to be {what}"),
        PATIENCE,
        async || {
            if count() >= wanted { Ok(()) } else { Err(count()) }
        },
    )
    .await;
}
