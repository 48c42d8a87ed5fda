//! The properties of the gateway, and what it tells customers.

use choreography::testing::{Moment, Properties};
use contracts::{CancelReason, OrderUpdated};
use gateway::orders::AcceptedOrder;

/// The customer is told once that an order was never opened. What becomes of others, order tells.
fn tells_of_orders_that_were_never_opened(story: &Moment<'_>) {
    let news = story.published::<OrderUpdated>();
    for order in story.rows::<AcceptedOrder>() {
        let told = news.iter().filter(|news| news.order_id == order.order_id).count();
        assert_eq!(told, usize::from(order.cancelled == Some(CancelReason::NotOpened)), "{:?}", order.cancelled);
    }
}

#[test]
fn the_gateway_has_every_property_of_a_service() {
    let is_cancelled = |story: &Moment<'_>, reason| {
        story
            .rows::<AcceptedOrder>()
            .iter()
            .any(|order| order.cancelled.is_some_and(|known| (known == CancelReason::NotOpened) == reason))
    };
    Properties::of(gateway::choreography())
        .keeps("customers know of orders that were never opened", tells_of_orders_that_were_never_opened)
        .reaches("an order that was never opened", move |story| is_cancelled(story, true))
        .reaches("an order that was cancelled later", move |story| is_cancelled(story, false))
        .check();
}
