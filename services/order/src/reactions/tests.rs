//! Every decision as a table: the order before, what is said, the order after. Each one is made twice.

use std::fmt::Debug;

use choreography::{Message, Reason};
use contracts::{Currency, Money, News};

use super::*;
use crate::order::tests::{at, id, order};

const ALL: [Status; 4] = [Status::Pending, Status::Confirmed, Status::Completed, Status::Cancelled];
const TOTAL: Money = Money::new(500, Currency::EUR);

fn hear<M: Message>(message: M) -> Incoming<M> {
    Incoming::new(message, id(9), at(5))
}

fn die<M: Message<Key = contracts::OrderId>>() -> Dead<M> {
    Dead::new(id(1), Reason::Expired, "too late", id(9), at(5))
}

/// Reacts twice: the second time nothing changes and nothing is said. What was said, and the order after.
fn twice<R: Default + PartialEq + Debug>(mut row: Order, react: impl Fn(&mut Order) -> R) -> (R, Order) {
    let outgoing = react(&mut row);
    let mut again = row.clone();
    assert_eq!(react(&mut again), R::default(), "says something again");
    assert_eq!(again, row, "changes the order again");
    (outgoing, row)
}

fn optional<R>(react: impl Fn(&mut Option<Order>) -> R) -> impl Fn(&mut Order) -> R {
    move |order| {
        let mut row = Some(order.clone());
        let outgoing = react(&mut row);
        *order = row.expect("no order ever vanishes");
        outgoing
    }
}

fn paid() -> OrderConfirmed {
    OrderConfirmed { order_id: id(1), payment_id: id(3), amount: TOTAL }
}

fn assigned() -> DeliveryAssigned {
    DeliveryAssigned { order_id: id(1), delivery_id: id(4), dealer: "Dora".into() }
}

#[test]
fn a_payment_is_noted_on_every_order() {
    let message = hear(PaymentCreated { order_id: id(1), payment_id: id(3), amount: TOTAL });
    for status in ALL {
        let ((), after) = twice(order(status), |order| note_payment(&message, order));
        let expected = Order { payment_id: Some(id(3)), total: Some(TOTAL), updated_at: at(5), ..order(status) };
        assert_eq!(after, expected);
    }
}

#[test]
fn a_confirmed_payment_has_a_dealer_looked_for_unless_the_order_is_cancelled() {
    for (before, after) in [
        (Status::Pending, Status::Confirmed),
        (Status::Confirmed, Status::Confirmed),
        (Status::Completed, Status::Completed),
        (Status::Cancelled, Status::Cancelled),
    ] {
        let (outgoing, order) = twice(order(before), |order| confirm_order(&hear(paid()), order));
        assert_eq!(order.status, after);
        assert_eq!(outgoing.is_some(), before == Status::Pending, "{before}");
        if let Some((delivery, told)) = outgoing {
            assert_eq!((delivery.order_id, delivery.address), (order.id, order.address));
            assert_eq!((told.status, told.total, told.reason), (News::Paid, Some(TOTAL), None));
            assert_eq!(order.payment_id, Some(id(3)));
        }
    }
}

#[test]
fn an_assigned_delivery_completes_a_confirmed_order_and_no_other() {
    for before in ALL {
        let (outgoing, order) = twice(order(before), |order| complete_order(&hear(assigned()), order));
        let done = before == Status::Confirmed;
        assert_eq!(outgoing.map(|told| told.status), done.then_some(News::Completed), "{before}");
        assert_eq!(order.status, if done { Status::Completed } else { before });
        assert_eq!(order.delivery_id, done.then(|| id(4)));
    }
}

#[test]
fn an_undo_cancels_an_order_that_has_not_ended_and_tells_the_customer_once() {
    let message = hear(CancelOrder { order_id: id(1), reason: CancelReason::OutOfStock });
    for (before, after, told) in [
        (Status::Pending, Status::Cancelled, true),
        (Status::Confirmed, Status::Cancelled, true),
        (Status::Completed, Status::Completed, false),
        (Status::Cancelled, Status::Cancelled, false),
    ] {
        let (outgoing, order) = twice(order(before), optional(|order| cancel_order(&message, order)));
        assert_eq!((order.status, outgoing.is_some()), (after, told), "{before}");
        assert_eq!(order.reason, told.then_some(CancelReason::OutOfStock));
        assert!(outgoing.is_none_or(|told| told.reason == order.reason && told.status == News::Cancelled));
    }
    assert_eq!(cancel_order(&message, &mut None), None);
}

#[test]
fn what_the_customer_knows_only_grows() {
    let cases = [
        (None, News::Paid, News::Paid),
        (Some(News::Paid), News::Completed, News::Completed),
        (Some(News::Cancelled), News::Paid, News::Cancelled),
    ];
    for (notified, status, after) in cases {
        let message = hear(CustomerNotified { order_id: id(1), status });
        let ((), order) = twice(Order { notified, ..order(Status::Completed) }, |order| note_notified(&message, order));
        assert_eq!(order.notified, Some(after));
    }
}

#[test]
fn a_confirmation_that_died_cancels_a_pending_order_and_its_payment() {
    for before in ALL {
        let (outgoing, order) = twice(order(before), optional(|order| confirmation_died(&die(), order)));
        let undone = before == Status::Pending;
        assert_eq!(outgoing.is_some(), undone, "{before}");
        assert_eq!(order.status, if undone { Status::Cancelled } else { before });
        assert!(
            outgoing.is_none_or(|(compensation, told)| compensation.reason == CancelReason::Failed && told.is_some())
        );
    }
    let (compensation, told) = confirmation_died(&die(), &mut None).unwrap();
    assert_eq!((compensation.order_id, told), (id(1), None));
}

#[test]
fn an_assignment_that_died_calls_the_dealer_back() {
    for before in ALL {
        let (outgoing, order) = twice(order(before), optional(|order| assignment_died(&die(), order)));
        let undone = matches!(before, Status::Pending | Status::Confirmed);
        assert_eq!(outgoing.is_some(), undone, "{before}");
        assert_eq!(order.status, if undone { Status::Cancelled } else { before });
        assert!(
            outgoing.is_none_or(|(compensation, told)| compensation.reason == CancelReason::Failed && told.is_some())
        );
    }
    let (compensation, told) = assignment_died(&die(), &mut None).unwrap();
    assert_eq!((compensation.order_id, told), (id(1), None));
}
