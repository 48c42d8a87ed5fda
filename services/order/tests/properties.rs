//! The properties of order, what it tells whom how often, and how an order ends whatever comes first.

use std::collections::BTreeMap;

use choreography::testing::{Moment, Properties};
use contracts::{
    CancelDelivery, CancelOrder, CancelPayment, CancelReason, CreateDelivery, DeliveryAssigned, News, OrderConfirmed,
    OrderId, OrderUpdated, ReserveStock,
};
use order::customer::WithdrawOrder;
use order::order::{Order, Status, UnopenedOrder};

const ALL: [Status; 4] = [Status::Pending, Status::Confirmed, Status::Completed, Status::Cancelled];

fn count<T: Ord>(of: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    of.into_iter().fold(BTreeMap::new(), |mut counts, one| {
        *counts.entry(one).or_default() += 1;
        counts
    })
}

fn says_everything_once(story: &Moment<'_>) {
    let news = count(story.published::<OrderUpdated>().iter().map(|news| (news.order_id, news.status)));
    assert!(news.values().all(|count| *count == 1), "{news:?}");
    let stock = count(story.published::<ReserveStock>().iter().map(|request| request.order_id));
    assert!(stock.values().all(|count| *count == 1), "{stock:?}");
    let deliveries = count(story.published::<CreateDelivery>().iter().map(|request| request.order_id));
    assert!(deliveries.values().all(|count| *count == 1), "{deliveries:?}");
}

fn says_how_an_order_ended(story: &Moment<'_>) {
    let last = |order: OrderId| {
        let mut news = story.published::<OrderUpdated>().into_iter().rev();
        news.find(|news| news.order_id == order).map(|news| news.status)
    };
    for order in story.rows::<Order>() {
        let expected = match order.status {
            Status::Pending => None,
            Status::Confirmed => Some(News::Paid),
            Status::Completed => Some(News::Completed),
            Status::Cancelled => Some(News::Cancelled),
        };
        assert_eq!(last(order.id), expected, "{}", order.status);
    }
}

/// A confirmation of another payment, or of another amount, than the order knows is poison.
fn takes_its_own_payment(story: &Moment<'_>) {
    let Some(confirmed) = story.done::<OrderConfirmed>() else { return };
    let order = story.own_row_before::<Order>().expect("a confirmation waits for its order");
    if order.status != Status::Cancelled {
        assert_eq!(order.contradicts(confirmed.payment_id, confirmed.amount), None);
    }
}

/// An order that the customer cancels is cancelled with what was done for it: its delivery, or else its payment.
fn takes_back_what_was_done(story: &Moment<'_>) {
    let (Some(before), Some(order)) = (story.own_row_before::<Order>(), story.own_row::<Order>()) else { return };
    if before.has_ended() {
        return assert_eq!(order.status, before.status);
    }
    let is_delivered = story.published::<CreateDelivery>().iter().any(|request| request.order_id == order.id);
    let cancels_delivery = story.published::<CancelDelivery>().iter().any(|cancel| cancel.order_id == order.id);
    let cancels_payment = story.published::<CancelPayment>().iter().any(|cancel| cancel.order_id == order.id);
    match order.status {
        Status::Completed => assert!(!cancels_delivery && !cancels_payment),
        Status::Cancelled if is_delivered => assert!(cancels_delivery),
        // A message of a delivery that nobody asked for may die, and cancels that delivery.
        Status::Cancelled if order.reason == Some(CancelReason::Failed) => assert!(cancels_payment || cancels_delivery),
        Status::Cancelled => assert!(cancels_payment),
        Status::Pending | Status::Confirmed => panic!("the order is {}", order.status),
    }
}

/// The first of two ends of an order is the one that counts.
fn ends_once(story: &Moment<'_>) {
    let (Some(before), Some(order)) = (story.own_row_before::<Order>(), story.own_row::<Order>()) else { return };
    assert!(if before.has_ended() { order.status == before.status } else { order.has_ended() }, "{}", order.status);
    let cancelled = story.published::<CancelPayment>().into_iter().filter(|cancel| cancel.order_id == order.id).count();
    assert!(cancelled <= 1, "the payment is cancelled {cancelled} times");
}

#[test]
fn order_has_every_property_of_a_service() {
    let properties = Properties::of(order::choreography())
        .keeps("everything is said once", says_everything_once)
        .keeps("the customer knows how an order ended", says_how_an_order_ended)
        .keeps("an order takes no other payment than its own", takes_its_own_payment)
        .race::<OrderConfirmed, WithdrawOrder>(takes_back_what_was_done)
        .race::<DeliveryAssigned, WithdrawOrder>(takes_back_what_was_done)
        .race::<DeliveryAssigned, CancelOrder>(ends_once)
        .race::<CancelOrder, WithdrawOrder>(ends_once)
        .reaches("an order that was cancelled before it was opened", |story| !story.rows::<UnopenedOrder>().is_empty());
    let reaches = |properties: Properties, status: Status| {
        properties.reaches(format!("an order that is {status}"), move |story| {
            story.rows::<Order>().iter().any(|order| order.status == status)
        })
    };
    ALL.into_iter().fold(properties, reaches).check();
}
