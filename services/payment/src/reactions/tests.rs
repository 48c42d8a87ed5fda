//! Every decision as a table: the payment before, what is published, the payment after. Each function is called twice.

use std::fmt::Debug;

use choreography::Reason;
use contracts::{Currency, Money};
use uuid::Uuid;

use super::*;

const ALL: [Status; 5] = [Status::Pending, Status::Confirmed, Status::Refunded, Status::Cancelled, Status::Expired];
const AMOUNT: Money = Money::new(500, Currency::EUR);
const DEADLINE: Duration = Duration::from_secs(900);

pub(crate) fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Returns the payment of order 1, opened at second 0.
pub(crate) fn payment(status: Status) -> Payment {
    Payment { status, ..Payment::pending(id(3), &request(Confirmation::Manual), at(900), at(0)) }
}

fn request(confirmation: Confirmation) -> CreatePayment {
    CreatePayment { order_id: id(1), customer_id: id(2), amount: AMOUNT, confirmation }
}

fn incoming<M: Message>(message: M) -> Incoming<M> {
    Incoming::new(message, id(9), at(5))
}

fn dead<M: Message<Key = contracts::OrderId>>() -> Dead<M> {
    Dead::new(id(1), Reason::Expired, "too late", id(9), at(5))
}

fn withdrawn(reason: CancelReason) -> CancelPayment {
    CancelPayment { order_id: id(1), reason, goods_gone: false }
}

fn off(reason: CancelReason) -> CancelOrder {
    CancelOrder { order_id: id(1), reason, goods_gone: false }
}

/// Calls a reaction twice: the second time nothing changes and nothing is published. Returns what was published, and
/// the payment after.
fn twice<R: PartialEq + Debug>(
    mut row: Option<Payment>,
    react: impl Fn(&mut Option<Payment>) -> Option<R>,
) -> (Option<R>, Payment) {
    let outgoing = react(&mut row);
    let mut again = row.clone();
    assert_eq!(react(&mut again), None, "publishes something again");
    assert_eq!(again, row, "changes the payment again");
    (outgoing, row.expect("each of these leaves a payment"))
}

#[test]
fn a_manual_payment_waits_for_the_customer_until_its_deadline() {
    let message = incoming(request(Confirmation::Manual));
    let (outgoing, payment) = twice(None, |payment| create_payment(&message, payment, DEADLINE));
    let id: PaymentId = message.new_id("payment");
    let created = PaymentCreated { order_id: message.order_id, payment_id: id, amount: AMOUNT };
    assert_eq!(outgoing, Some((created, None, Some(payment.expiry().at(at(905))))));
    assert_eq!(payment, Payment::pending(id, &message, at(905), at(5)));
}

#[test]
fn an_automatic_payment_is_confirmed_at_once_and_has_no_deadline() {
    let message = incoming(request(Confirmation::Automatic));
    let (outgoing, payment) = twice(None, |payment| create_payment(&message, payment, DEADLINE));
    let (order_id, payment_id, amount) = (message.order_id, message.new_id("payment"), AMOUNT);
    let created = PaymentCreated { order_id, payment_id, amount };
    assert_eq!(
        outgoing,
        Some((created, Some(OrderConfirmed { order_id, payment_id, amount, operation_id: None }), None))
    );
    assert_eq!((payment.status, payment.deadline), (Status::Confirmed, None));
}

#[test]
fn no_payment_is_opened_where_there_is_one_or_a_tombstone() {
    for status in ALL {
        let message = incoming(request(Confirmation::Automatic));
        let (outgoing, after) = twice(Some(payment(status)), |payment| create_payment(&message, payment, DEADLINE));
        assert_eq!((outgoing, after), (None, payment(status)));
    }
}

#[test]
fn a_deadline_after_the_end_of_time_is_the_last_moment() {
    assert_eq!(after(at(5), Duration::MAX), Timestamp::MAX);
}

#[test]
fn a_creation_that_died_leaves_a_tombstone_and_cancels_the_order() {
    let (outgoing, after) = twice(None, |payment| give_up(&dead(), payment));
    assert_eq!(outgoing, Some(off(CancelReason::Failed)));
    assert_eq!((after.status, after.amount, after.reason), (Status::Cancelled, None, Some(CancelReason::Failed)));
    for status in ALL {
        let (outgoing, after) = twice(Some(payment(status)), |payment| give_up(&dead(), payment));
        assert_eq!((outgoing, after), (None, payment(status)));
    }
}

#[test]
fn a_deadline_ends_a_pending_payment_and_no_other_also_when_its_message_died() {
    for before in ALL {
        let message = incoming(ExpirePayment { order_id: id(1) });
        let in_time = twice(Some(payment(before)), |payment| expire_payment(&message, payment.as_mut()?));
        let too_late = twice(Some(payment(before)), |payment| expire_anyway(&dead(), payment));
        let (outgoing, after) = match before {
            Status::Pending => (Some(off(CancelReason::PaymentExpired)), Status::Expired),
            _ => (None, before),
        };
        assert_eq!((&in_time.0, in_time.1.status), (&outgoing, after));
        assert_eq!(in_time, too_late);
    }
    assert_eq!(expire_anyway(&dead(), &mut None), None);
}

#[test]
fn a_compensation_refunds_a_confirmed_payment_and_cancels_a_pending_one() {
    let message = incoming(withdrawn(CancelReason::NoDealer));
    let never = payment(Status::Pending).expiry().cancel();
    let cases = [
        (Status::Pending, Some((off(CancelReason::NoDealer), Some(never))), Status::Cancelled),
        (Status::Confirmed, Some((off(CancelReason::NoDealer), None)), Status::Refunded),
        (Status::Refunded, None, Status::Refunded),
        (Status::Cancelled, None, Status::Cancelled),
        (Status::Expired, None, Status::Expired),
    ];
    for (before, expected, status) in cases {
        let (outgoing, after) = twice(Some(payment(before)), |payment| cancel_payment(&message, payment));
        assert_eq!((outgoing, after.status), (expected, status));
    }
}

#[test]
fn a_compensation_passes_on_that_the_goods_are_gone() {
    let reason = CancelReason::CustomerCancelled;
    let message = incoming(CancelPayment { goods_gone: true, ..withdrawn(reason) });
    for before in [None, Some(Status::Pending), Some(Status::Confirmed)] {
        let (outgoing, _) = twice(before.map(payment), |payment| cancel_payment(&message, payment));
        let cancel_order = outgoing.map(|(cancel_order, _)| cancel_order);
        assert_eq!(cancel_order, Some(CancelOrder { goods_gone: true, ..off(reason) }), "{before:?}");
    }
}

#[test]
fn a_compensation_that_comes_first_leaves_a_tombstone_and_no_payment_is_opened_later() {
    let message = incoming(withdrawn(CancelReason::CustomerCancelled));
    let (outgoing, tombstone) = twice(None, |payment| cancel_payment(&message, payment));
    assert_eq!(outgoing, Some((off(CancelReason::CustomerCancelled), None)));
    assert_eq!(tombstone.status, Status::Cancelled);
    let late = incoming(request(Confirmation::Automatic));
    let (outgoing, after) = twice(Some(tombstone.clone()), |payment| create_payment(&late, payment, DEADLINE));
    assert_eq!((outgoing, after), (None, tombstone));
}
