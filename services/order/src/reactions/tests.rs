//! Every decision as a table: the order before, what is published, the order after. Each function is called twice.

use std::fmt::Debug;

use choreography::{Message, Reason};
use contracts::{Currency, Money};

use super::*;
use crate::order::tests::{at, id, order};

const ALL: [Status; 4] = [Status::Pending, Status::Confirmed, Status::Completed, Status::Cancelled];
const TOTAL: Money = Money::new(500, Currency::EUR);

fn incoming<M: Message>(message: M) -> Incoming<M> {
    Incoming::new(message, id(9), at(5))
}

fn dead<M: Message<Key = contracts::OrderId>>() -> Dead<M> {
    Dead::new(id(1), Reason::Expired, "too late", id(9), at(5))
}

/// Calls a reaction twice: the second time nothing changes and nothing is published. Returns what was published, and
/// the order after.
fn twice<R: Default + PartialEq + Debug>(mut row: Order, react: impl Fn(&mut Order) -> R) -> (R, Order) {
    let outgoing = react(&mut row);
    let mut again = row.clone();
    assert_eq!(react(&mut again), R::default(), "publishes something again");
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
    OrderConfirmed { order_id: id(1), payment_id: id(3), amount: TOTAL, operation_id: Some(id(6)) }
}

fn assigned() -> DeliveryAssigned {
    DeliveryAssigned { order_id: id(1), delivery_id: id(4), dealer: "Dora".into() }
}

#[test]
fn a_payment_is_noted_on_every_order() {
    let message = incoming(PaymentCreated { order_id: id(1), payment_id: id(3), amount: TOTAL });
    for status in ALL {
        let ((), after) = twice(order(status), |order| note_payment(&message, order));
        let expected = Order { payment_id: Some(id(3)), total: Some(TOTAL), updated_at: at(5), ..order(status) };
        assert_eq!(after, expected);
    }
}

#[test]
fn a_confirmed_payment_requests_a_delivery_unless_the_order_is_cancelled() {
    for (before, after) in [
        (Status::Pending, Status::Confirmed),
        (Status::Confirmed, Status::Confirmed),
        (Status::Completed, Status::Completed),
        (Status::Cancelled, Status::Cancelled),
    ] {
        let (outgoing, order) = twice(order(before), |order| confirm_order(&incoming(paid()), order));
        assert_eq!(order.status, after);
        assert_eq!(outgoing.is_some(), before == Status::Pending, "{before}");
        if let Some((delivery, update)) = outgoing {
            assert_eq!((delivery.order_id, delivery.address), (order.id, order.address));
            assert_eq!((update.status, update.total, update.reason), (News::Paid, Some(TOTAL), None));
            assert_eq!(order.payment_id, Some(id(3)));
        }
    }
}

#[test]
fn a_confirmation_of_another_payment_or_amount_dies_unless_the_order_is_cancelled() {
    let other_payment = OrderConfirmed { payment_id: id(7), ..paid() };
    let other_amount = OrderConfirmed { amount: Money::new(499, Currency::EUR), ..paid() };
    let other_currency = OrderConfirmed { amount: Money::new(500, "USD".parse().unwrap()), ..paid() };
    for (message, text) in [
        (other_payment, "the confirmed payment is not the order's payment"),
        (other_amount, "the paid amount is not the order's total"),
        (other_currency, "the paid amount is not the order's total"),
    ] {
        for before in ALL {
            let mut order = Order { payment_id: Some(id(3)), total: Some(TOTAL), ..order(before) };
            let confirm = std::panic::AssertUnwindSafe(|| confirm_order(&incoming(message.clone()), &mut order));
            let outcome = std::panic::catch_unwind(confirm).map_err(|panic| *panic.downcast::<String>().unwrap());
            let expected = if before == Status::Cancelled { Ok(None) } else { Err(text.to_owned()) };
            assert_eq!(outcome, expected, "{before}");
        }
    }
}

#[test]
fn an_assigned_delivery_completes_a_confirmed_order_and_no_other() {
    for before in ALL {
        let (outgoing, order) = twice(order(before), |order| complete_order(&incoming(assigned()), order));
        let done = before == Status::Confirmed;
        assert_eq!(outgoing.map(|update| update.status), done.then_some(News::Completed), "{before}");
        assert_eq!(order.status, if done { Status::Completed } else { before });
        assert_eq!(order.delivery_id, done.then(|| id(4)));
    }
}

#[test]
fn a_compensation_cancels_an_unfinished_order_and_notifies_the_customer_once() {
    let message = incoming(CancelOrder { order_id: id(1), reason: CancelReason::OutOfStock, goods_gone: false });
    for (before, after, update) in [
        (Status::Pending, Status::Cancelled, true),
        (Status::Confirmed, Status::Cancelled, true),
        (Status::Completed, Status::Completed, false),
        (Status::Cancelled, Status::Cancelled, false),
    ] {
        let (outgoing, order) = twice(order(before), optional(|order| cancel_order(&message, order, &mut None)));
        assert_eq!((order.status, outgoing.is_some()), (after, update), "{before}");
        assert_eq!(order.reason, update.then_some(CancelReason::OutOfStock));
        assert!(outgoing.is_none_or(|update| update.reason == order.reason && update.status == News::Cancelled));
    }
    assert_eq!(cancel_order(&message, &mut None, &mut None), None);
}

#[test]
fn the_news_that_the_customer_was_mailed_never_go_back() {
    let cases = [
        (None, News::Paid, true, Some(News::Paid)),
        (None, News::Paid, false, None),
        (Some(News::Paid), News::Completed, true, Some(News::Completed)),
        (Some(News::Paid), News::Completed, false, Some(News::Paid)),
        (Some(News::Cancelled), News::Paid, true, Some(News::Cancelled)),
        (Some(News::Paid), News::Unknown, true, Some(News::Paid)),
    ];
    for (notified, status, mailed, after) in cases {
        let message = incoming(CustomerNotified { order_id: id(1), status, mailed, email: None });
        let ((), order) =
            twice(Order { notified, ..order(Status::Completed) }, optional(|order| note_notified(&message, order)));
        assert_eq!(order.notified, after, "{notified:?}, {status:?}, {mailed}");
    }
    note_notified(
        &incoming(CustomerNotified { order_id: id(1), status: News::Cancelled, mailed: true, email: None }),
        &mut None,
    );
}

#[test]
fn an_order_of_the_gateway_is_opened_once_and_not_after_it_was_cancelled() {
    let Order { customer_id, email, lines, address, confirmation, .. } = order(Status::Pending);
    let create = incoming(CreateOrder { order_id: id(1), customer_id, email, lines, address, confirmation });
    let (mut opened, mut unopened) = (None, None);
    assert!(create_order(&create, &mut opened, &mut unopened).is_some());
    assert_eq!(opened, Some(Order { created_at: at(5), updated_at: at(5), ..order(Status::Pending) }));
    assert_eq!(create_order(&create, &mut opened, &mut unopened), None);
    assert_eq!(cancel_unopened(&dead(), &mut opened, &mut unopened), None);
    let cancel = CancelOrder { order_id: id(1), reason: CancelReason::NotOpened, goods_gone: false };
    for cancelled_by_fallback in [true, false] {
        let (mut opened, mut unopened) = (None, None);
        if cancelled_by_fallback {
            assert_eq!(cancel_unopened(&dead(), &mut opened, &mut unopened), Some(cancel.clone()));
        }
        for _ in 0..2 {
            assert_eq!(cancel_order(&incoming(cancel.clone()), &mut opened, &mut unopened), None);
            assert_eq!(cancel_unopened(&dead(), &mut opened, &mut unopened), None);
            assert_eq!(create_order(&create, &mut opened, &mut unopened), None);
            assert_eq!((&opened, &unopened), (&None, &Some(UnopenedOrder { cancelled_at: at(5) })));
        }
    }
}

#[test]
fn a_confirmation_that_died_cancels_a_pending_order_and_its_payment() {
    for before in ALL {
        let (outgoing, order) = twice(order(before), optional(|order| cancel_unconfirmed(&dead(), order, &mut None)));
        let cancelled = before == Status::Pending;
        assert_eq!(outgoing.is_some(), cancelled, "{before}");
        assert_eq!(order.status, if cancelled { Status::Cancelled } else { before });
        assert!(
            outgoing
                .is_none_or(|(compensation, update)| compensation.reason == CancelReason::Failed && update.is_some())
        );
    }
    let mut unopened = None;
    let (compensation, update) = cancel_unconfirmed(&dead(), &mut None, &mut unopened).unwrap();
    assert_eq!((compensation.order_id, update), (id(1), None));
    assert!(unopened.is_some(), "the order can be opened later");
    assert_eq!(cancel_unconfirmed(&dead(), &mut None, &mut unopened), None, "the second time");
}

#[test]
fn an_assignment_that_died_cancels_the_order_and_its_delivery() {
    for before in ALL {
        let (outgoing, order) = twice(order(before), optional(|order| cancel_incomplete(&dead(), order, &mut None)));
        let cancelled = matches!(before, Status::Pending | Status::Confirmed);
        assert_eq!(outgoing.is_some(), cancelled, "{before}");
        assert_eq!(order.status, if cancelled { Status::Cancelled } else { before });
        assert!(
            outgoing
                .is_none_or(|(compensation, update)| compensation.reason == CancelReason::Failed && update.is_some())
        );
    }
    let mut unopened = None;
    let (compensation, update) = cancel_incomplete(&dead(), &mut None, &mut unopened).unwrap();
    assert_eq!((compensation.order_id, update), (id(1), None));
    assert!(unopened.is_some(), "the order can be opened later");
    assert_eq!(cancel_incomplete(&dead(), &mut None, &mut unopened), None, "the second time");
}
