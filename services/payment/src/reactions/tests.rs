//! Every decision as a table: the payment before, what is published, the payment after. Each function is called twice.

use std::fmt::Debug;
use std::time::Duration;

use choreography::Reason;
use contracts::{Currency, DebitWallet, Money, RefundWallet};
use uuid::Uuid;

use super::*;

pub(crate) const ALL: [Status; 7] = [
    Status::Pending,
    Status::Processing,
    Status::Confirmed,
    Status::Refunded,
    Status::Cancelled,
    Status::Refused,
    Status::Expired,
];
pub(crate) const AMOUNT: Money = Money::new(500, Currency::EUR);
pub(crate) const PATIENCE: Patience = Patience {
    payment_deadline: Duration::from_secs(900),
    debit_backoff: Duration::from_secs(5),
    debit_attempts_max: 3,
};

pub(crate) fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Returns the payment of order 1, opened at second 0. One that waits for the wallet has requested operation 6 once.
pub(crate) fn payment(status: Status) -> Payment {
    let pending = Payment::pending(id(3), &request(Confirmation::Manual), at(0));
    match status {
        Status::Processing => Payment { status, operation_id: Some(id(6)), debit_attempts: 1, ..pending },
        _ => Payment { status, ..pending },
    }
}

fn request(confirmation: Confirmation) -> CreatePayment {
    CreatePayment { order_id: id(1), customer_id: id(2), amount: AMOUNT, confirmation }
}

pub(crate) fn incoming<M: Message>(message: M) -> Incoming<M> {
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
    let (outgoing, payment) = twice(None, |payment| create_payment(&message, payment, &PATIENCE));
    let id: PaymentId = message.new_id("payment");
    let created = PaymentCreated { order_id: message.order_id, payment_id: id, amount: AMOUNT };
    assert_eq!(outgoing, Some((created, None, Some(payment.expiry().at(at(905))))));
    assert_eq!(payment, Payment { deadline: Some(at(905)), ..Payment::pending(id, &message, at(5)) });
}

#[test]
fn an_automatic_payment_requests_the_money_at_once_and_has_no_deadline() {
    let message = incoming(request(Confirmation::Automatic));
    let (outgoing, payment) = twice(None, |payment| create_payment(&message, payment, &PATIENCE));
    let (order_id, payment_id, amount) = (message.order_id, message.new_id("payment"), AMOUNT);
    let created = PaymentCreated { order_id, payment_id, amount };
    let debit = DebitWallet { order_id, operation_id: message.new_id("debit"), customer_id: id(2), amount };
    let retry = payment.retry().after(PATIENCE.debit_backoff);
    assert_eq!(outgoing, Some((created, Some((debit, retry)), None)));
    assert_eq!((payment.status, payment.deadline, payment.debit_attempts), (Status::Processing, None, 1));
}

#[test]
fn no_payment_is_opened_where_there_is_one_or_a_tombstone() {
    for status in ALL {
        let message = incoming(request(Confirmation::Automatic));
        let (outgoing, after) = twice(Some(payment(status)), |payment| create_payment(&message, payment, &PATIENCE));
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
            Status::Pending => {
                let no_expiry = Some(payment(before).expiry().cancel());
                (Some((off(CancelReason::PaymentExpired), None, no_expiry, None)), Status::Expired)
            }
            _ => (None, before),
        };
        assert_eq!((&in_time.0, in_time.1.status), (&outgoing, after));
        assert_eq!(in_time, too_late);
    }
    assert_eq!(expire_anyway(&dead(), &mut None), None);
}

#[test]
fn a_compensation_refunds_what_the_wallet_has_taken_or_may_take_and_cancels_a_pending_payment() {
    let reason = CancelReason::NoDealer;
    let message = incoming(withdrawn(reason));
    let refund = Some(RefundWallet { order_id: id(1), operation_id: message.new_id("refund"), reason });
    let (no_expiry, no_retry) =
        (Some(payment(Status::Pending).expiry().cancel()), Some(payment(Status::Processing).retry().cancel()));
    let cases = [
        (Status::Pending, Some((off(reason), None, no_expiry, None)), Status::Cancelled),
        (Status::Processing, Some((off(reason), refund.clone(), None, no_retry)), Status::Cancelled),
        (Status::Confirmed, Some((off(reason), refund, None, None)), Status::Refunded),
        (Status::Refunded, None, Status::Refunded),
        (Status::Cancelled, None, Status::Cancelled),
        (Status::Refused, None, Status::Refused),
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
    for before in [None, Some(Status::Pending), Some(Status::Processing), Some(Status::Confirmed)] {
        let (outgoing, _) = twice(before.map(payment), |payment| cancel_payment(&message, payment));
        let cancel_order = outgoing.map(|(cancel_order, ..)| cancel_order);
        assert_eq!(cancel_order, Some(CancelOrder { goods_gone: true, ..off(reason) }), "{before:?}");
    }
}

#[test]
fn a_compensation_that_comes_first_leaves_a_tombstone_and_no_payment_is_opened_later() {
    let message = incoming(withdrawn(CancelReason::CustomerCancelled));
    let (outgoing, tombstone) = twice(None, |payment| cancel_payment(&message, payment));
    assert_eq!(outgoing, Some((off(CancelReason::CustomerCancelled), None, None, None)));
    assert_eq!(tombstone.status, Status::Cancelled);
    let late = incoming(request(Confirmation::Automatic));
    let (outgoing, after) = twice(Some(tombstone.clone()), |payment| create_payment(&late, payment, &PATIENCE));
    assert_eq!((outgoing, after), (None, tombstone));
}

#[test]
#[should_panic(expected = "nobody pays")]
fn a_payment_of_less_than_nothing_is_poison() {
    let amount = Money::new(-1, Currency::EUR);
    let request = CreatePayment { amount, ..request(Confirmation::Automatic) };
    create_payment(&incoming(request), &mut None, &PATIENCE);
}
