//! The reactions of payment to everybody but the wallet, in the order of a story.
//!
//! What must hold: an order is paid once and refunded once, in whatever order the messages arrive.

use choreography::{Dead, Incoming, Message, Scheduled};
use contracts::{
    CancelOrder, CancelPayment, CancelReason, Confirmation, CreatePayment, ExpirePayment, PaymentCreated, PaymentId,
};
use jiff::{SignedDuration, Timestamp};

use crate::payment::{Ended, Payment, Requested, Status};
use crate::settings::Patience;

/// What is published when a payment is opened: the news, and the request for the money or the deadline.
type Opened = (PaymentCreated, Option<Requested>, Option<Scheduled<ExpirePayment>>);

/// Opens a payment: pending with a deadline, or processing at once if the confirmation is automatic.
///
/// # Panics
/// When the amount is negative. The message dies then, and [`give_up`] cancels the order.
pub(crate) fn create_payment(
    message: &Incoming<CreatePayment>,
    payment: &mut Option<Payment>,
    patience: &Patience,
) -> Option<Opened> {
    if payment.is_some() {
        return None; // opened already, or cancelled first
    }
    let (payment_id, now): (PaymentId, _) = (message.new_id("payment"), message.now());
    let (order_id, amount) = (message.order_id, message.amount);
    assert!(amount.amount_minor >= 0, "nobody pays {amount}");
    let created = PaymentCreated { order_id, payment_id, amount };
    let mut opened = Payment::pending(payment_id, message, now);
    let (requested, expiry) = match message.confirmation {
        Confirmation::Automatic => (opened.process(message.new_id("debit"), patience, now), None),
        // A way to confirm that this version does not know never takes money by itself.
        Confirmation::Manual | Confirmation::Unknown => {
            let due = after(now, patience.payment_deadline);
            opened.deadline = Some(due);
            (None, Some(opened.expiry().at(due)))
        }
    };
    *payment = Some(opened);
    Some((created, requested, expiry))
}

fn after(now: Timestamp, deadline: std::time::Duration) -> Timestamp {
    let deadline = SignedDuration::try_from(deadline).unwrap_or(SignedDuration::MAX);
    now.checked_add(deadline).unwrap_or(Timestamp::MAX)
}

/// Writes the tombstone of the payment, and cancels the order.
pub(crate) fn give_up(dead: &Dead<CreatePayment>, payment: &mut Option<Payment>) -> Option<CancelOrder> {
    if payment.is_some() {
        return None;
    }
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    *payment = Some(Payment::never_opened(dead.new_id("payment"), order_id, reason, dead.now()));
    Some(CancelOrder { order_id, reason, goods_gone: false })
}

/// Expires a payment that nobody confirmed in time, and cancels the order.
pub(crate) fn expire_payment(message: &Incoming<ExpirePayment>, payment: &mut Payment) -> Option<Ended> {
    let pending = payment.status == Status::Pending;
    pending.then(|| payment.end(Status::Expired, CancelReason::PaymentExpired, message.new_id("refund"), message.now()))
}

/// Expires the payment all the same.
pub(crate) fn expire_anyway(dead: &Dead<ExpirePayment>, payment: &mut Option<Payment>) -> Option<Ended> {
    let payment = payment.as_mut().filter(|payment| payment.status == Status::Pending)?;
    Some(payment.end(Status::Expired, CancelReason::PaymentExpired, dead.new_id("refund"), dead.now()))
}

/// Refunds the payment, or cancels it before it is confirmed or even opened, and cancels the order. Passes on whether the
/// goods are gone.
pub(crate) fn cancel_payment(message: &Incoming<CancelPayment>, payment: &mut Option<Payment>) -> Option<Ended> {
    let CancelPayment { order_id, reason, goods_gone } = **message;
    let Some(payment) = payment else {
        *payment = Some(Payment::never_opened(message.new_id("payment"), order_id, reason, message.now()));
        return Some((CancelOrder { order_id, reason, goods_gone }, None, None, None));
    };
    let status = match payment.status {
        Status::Pending | Status::Processing => Status::Cancelled,
        Status::Confirmed => Status::Refunded,
        // The order was cancelled then.
        Status::Refunded | Status::Cancelled | Status::Refused | Status::Expired => return None,
    };
    let (cancel_order, refund, expiry, retry) = payment.end(status, reason, message.new_id("refund"), message.now());
    Some((CancelOrder { goods_gone, ..cancel_order }, refund, expiry, retry))
}

#[cfg(test)]
pub(crate) mod tests;
