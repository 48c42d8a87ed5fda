//! What payment does when it receives something, from the order's beginning to its end.
//!
//! Money is taken once for an order and given back once, in whatever order the messages come.

use std::time::Duration;

use choreography::{Dead, Incoming, Message, Scheduled};
use contracts::{
    CancelOrder, CancelPayment, CancelReason, Confirmation, CreatePayment, ExpirePayment, OrderConfirmed,
    PaymentCreated, PaymentId,
};
use jiff::{SignedDuration, Timestamp};

use crate::payment::{Payment, Status};

/// Opens a payment: pending with a deadline, or confirmed at once if nobody has to be waited for.
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
            Some((created, Some(OrderConfirmed { order_id, payment_id, amount }), None))
        }
        Confirmation::Manual => {
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

/// Nobody will be asked for money: the order is off.
pub(crate) fn creation_died(dead: &Dead<CreatePayment>, payment: &mut Option<Payment>) -> Option<CancelOrder> {
    if payment.is_some() {
        return None;
    }
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    *payment = Some(Payment::never_opened(dead.new_id("payment"), order_id, reason, dead.now()));
    Some(CancelOrder { order_id, reason })
}

/// Ends a payment that nobody confirmed in time.
pub(crate) fn expire_payment(message: &Incoming<ExpirePayment>, payment: &mut Payment) -> Option<CancelOrder> {
    expire(payment, message.now())
}

/// What its deadline could not end is ended by what became of it.
pub(crate) fn expiry_died(dead: &Dead<ExpirePayment>, payment: &mut Option<Payment>) -> Option<CancelOrder> {
    expire(payment.as_mut()?, dead.now())
}

fn expire(payment: &mut Payment, now: Timestamp) -> Option<CancelOrder> {
    let waits = payment.status == Status::Pending;
    waits.then(|| payment.end(Status::Expired, CancelReason::PaymentExpired, now))
}

/// Gives the money back, or sees to it that it is never taken.
pub(crate) fn cancel_payment(
    message: &Incoming<CancelPayment>,
    payment: &mut Option<Payment>,
) -> Option<(CancelOrder, Option<Scheduled<ExpirePayment>>)> {
    let CancelPayment { order_id, reason } = **message;
    let Some(payment) = payment else {
        *payment = Some(Payment::never_opened(message.new_id("payment"), order_id, reason, message.now()));
        return Some((CancelOrder { order_id, reason }, None));
    };
    match payment.status {
        Status::Pending => {
            let told = payment.end(Status::Cancelled, reason, message.now());
            Some((told, Some(payment.expiry().cancel())))
        }
        Status::Confirmed => Some((payment.end(Status::Refunded, reason, message.now()), None)),
        Status::Refunded | Status::Cancelled | Status::Expired => None, // the order was told
    }
}

#[cfg(test)]
pub(crate) mod tests;
