//! What order does when it receives something, from the order's beginning to its end.
//!
//! A cancelled order stays so: whatever comes later finds a compensation on its way, and does nothing.

use choreography::{Dead, Incoming};
use contracts::{
    CancelDelivery, CancelOrder, CancelPayment, CancelReason, CreateDelivery, CustomerNotified, DeliveryAssigned,
    OrderConfirmed, OrderUpdated, PaymentCreated,
};

use crate::order::{Order, Status};

/// Notes the payment, also of an order that is cancelled meanwhile: whoever looks at it should find it.
pub(crate) fn note_payment(message: &Incoming<PaymentCreated>, order: &mut Order) {
    order.note_payment(message.payment_id, message.amount, message.now());
}

/// The order is paid: a dealer is looked for.
pub(crate) fn confirm_order(
    message: &Incoming<OrderConfirmed>,
    order: &mut Order,
) -> Option<(CreateDelivery, OrderUpdated)> {
    if order.status != Status::Pending {
        return None; // confirmed already, or cancelled first
    }
    order.note_payment(message.payment_id, message.amount, message.now());
    let told = order.confirm(message.now());
    Some((CreateDelivery { order_id: order.id, address: order.address.clone() }, told))
}

/// Nobody will look for a dealer: the order is off, and the money goes back.
pub(crate) fn confirmation_died(
    dead: &Dead<OrderConfirmed>,
    order: &mut Option<Order>,
) -> Option<(CancelPayment, Option<OrderUpdated>)> {
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    let told = match order {
        Some(order) if order.status == Status::Pending => order.cancel(reason, dead.now()),
        Some(_) => return None, // another copy was received, or a compensation is on its way
        None => None,           // no order was ever opened here, and yet somebody pays
    };
    Some((CancelPayment { order_id, reason }, told))
}

/// A dealer brings the order.
pub(crate) fn complete_order(message: &Incoming<DeliveryAssigned>, order: &mut Order) -> Option<OrderUpdated> {
    if order.status != Status::Confirmed {
        return None; // completed already, or cancelled first
    }
    Some(order.complete(message.delivery_id, message.now()))
}

/// The order will not learn that it is on its way: it is off, and the dealer is called back.
pub(crate) fn assignment_died(
    dead: &Dead<DeliveryAssigned>,
    order: &mut Option<Order>,
) -> Option<(CancelDelivery, Option<OrderUpdated>)> {
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    let told = match order {
        Some(order) => Some(order.cancel(reason, dead.now())?), // not if it came to its end before
        None => None,
    };
    Some((CancelDelivery { order_id, reason }, told))
}

/// Notes that the customer knows. The end is told last, in whatever order the answers come.
pub(crate) fn note_notified(message: &Incoming<CustomerNotified>, order: &mut Order) {
    if order.notified < Some(message.status) {
        (order.notified, order.updated_at) = (Some(message.status), message.now());
    }
}

/// The order is off, unless it came to an end before. One that was never opened here needs no tombstone: an order
/// is opened before anything else is said of it.
pub(crate) fn cancel_order(message: &Incoming<CancelOrder>, order: &mut Option<Order>) -> Option<OrderUpdated> {
    order.as_mut()?.cancel(message.reason, message.now())
}

#[cfg(test)]
mod tests;
