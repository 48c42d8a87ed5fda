//! The reactions of payment, in the order of a story.
//!
//! What must hold: an order is paid once and refunded once, in whatever order the messages arrive.

use std::time::Duration;

use choreography::{Dead, Incoming, Message, Scheduled};
use contracts::{
    CancelOrder, CancelPayment, CancelReason, Confirmation, CreatePayment, ExpirePayment, OrderConfirmed,
    PaymentCreated, PaymentId,
};
use jiff::{SignedDuration, Timestamp};

use crate::payment::{Payment, Status};

/// Opens a payment: pending with a deadline, or confirmed at once if the confirmation is automatic.
pub(crate) fn create_payment(
    message: &Incoming<CreatePayment>,
    payment: &mut Option<Payment>,
    deadline: Duration,
) -> Option<(PaymentCreated, Option<OrderConfirmed>, Option<Scheduled<ExpirePayment>>)> {
    if payment.is_some() {
        return None; // opened already, or cancelled first
    }
    let (payment_id, now): (PaymentId, _) = (message.new_id("payment"), message.now());
    let (order_id, amount) = (message.order_id, message.amount);
    let created = PaymentCreated { order_id, payment_id, amount };
    match message.confirmation {
        Confirmation::Automatic => {
            *payment = Some(Payment::confirmed(payment_id, message, now));
            Some((created, Some(OrderConfirmed { order_id, payment_id, amount, operation_id: None }), None))
        }
        // A way to confirm that this version does not know never takes money by itself.
        Confirmation::Manual | Confirmation::Unknown => {
            let due = after(now, deadline);
            *payment = Some(Payment::pending(payment_id, message, due, now));
            Some((created, None, Some(ExpirePayment { order_id }.at(due))))
        }
    }
}

fn after(now: Timestamp, deadline: Duration) -> Timestamp {
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
pub(crate) fn expire_payment(message: &Incoming<ExpirePayment>, payment: &mut Payment) -> Option<CancelOrder> {
    expire(payment, message.now())
}

/// Expires the payment all the same.
pub(crate) fn expire_anyway(dead: &Dead<ExpirePayment>, payment: &mut Option<Payment>) -> Option<CancelOrder> {
    expire(payment.as_mut()?, dead.now())
}

fn expire(payment: &mut Payment, now: Timestamp) -> Option<CancelOrder> {
    let pending = payment.status == Status::Pending;
    pending.then(|| payment.end(Status::Expired, CancelReason::PaymentExpired, now))
}

/// Refunds the payment, or cancels it before it is confirmed or even opened, and cancels the order. Passes on whether the
/// goods are gone.
pub(crate) fn cancel_payment(
    message: &Incoming<CancelPayment>,
    payment: &mut Option<Payment>,
) -> Option<(CancelOrder, Option<Scheduled<ExpirePayment>>)> {
    let CancelPayment { order_id, reason, goods_gone } = **message;
    let Some(payment) = payment else {
        *payment = Some(Payment::never_opened(message.new_id("payment"), order_id, reason, message.now()));
        return Some((CancelOrder { order_id, reason, goods_gone }, None));
    };
    let (status, expiry) = match payment.status {
        Status::Pending => (Status::Cancelled, Some(payment.expiry().cancel())),
        Status::Confirmed => (Status::Refunded, None),
        Status::Refunded | Status::Cancelled | Status::Expired => return None, // the order was cancelled then
    };
    let cancel_order = payment.end(status, reason, message.now());
    Some((CancelOrder { goods_gone, ..cancel_order }, expiry))
}

#[cfg(test)]
pub(crate) mod tests;
