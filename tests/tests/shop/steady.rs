//! Customers who come at a steady pace, whatever happens meanwhile.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shop_tests::{Order, PATIENCE, Request, Shop};
use testkit::until;
use tokio::time::{MissedTickBehavior, interval};

/// A refused customer is asked to come back when the breaker's cycle is over, so within five seconds.
const RETRY_AFTER_SECONDS: std::ops::RangeInclusive<u64> = 1..=5;

/// What became of those who came: who is not taken goes away, and orders nothing.
#[derive(Default)]
pub struct Tally {
    accepted: AtomicU32,
    refused: AtomicU32,
}

/// Lets a customer come every so often until `meanwhile` is over, and all of them finish. Each is given a number.
pub async fn customers<T>(every: Duration, customer: impl AsyncFn(u32), meanwhile: impl Future<Output = T>) -> T {
    let (mut under_way, mut meanwhile) = (FuturesUnordered::new(), pin!(meanwhile));
    let mut pace = interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0;
    let over = loop {
        tokio::select! {
            over = &mut meanwhile => break over,
            _ = pace.tick() => {
                under_way.push(customer(number));
                number += 1;
            }
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
        }
    };
    under_way.collect::<()>().await;
    over
}

impl Tally {
    /// A customer orders once. One who is refused must be told so in this way, and when to come back.
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

    /// How many were taken.
    pub fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many were refused.
    pub fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until so many more were taken.
    pub async fn expect_accepted(&self, more: u32) {
        expect_more("taken", more, || self.accepted()).await;
    }

    /// Waits until so many more were refused.
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
