//! What order does when it hears something, from the order's beginning to its end.
//!
//! A cancelled order stays so: whatever comes later finds an undo on its way, and does nothing.

use choreography::{Dead, Heard};
use contracts::{
    CancelDelivery, CancelOrder, CancelPayment, CancelReason, CreateDelivery, CustomerNotified, DeliveryAssigned,
    OrderConfirmed, OrderUpdated, PaymentCreated,
};

use crate::order::{Order, Status};

/// Notes the payment, also of an order that is cancelled meanwhile: whoever looks at it should find it.
pub(crate) fn note_payment(heard: &Heard<PaymentCreated>, order: &mut Order) {
    order.note_payment(heard.payment_id, heard.amount, heard.now());
}

/// The order is paid: a dealer is looked for.
pub(crate) fn confirm_order(
    heard: &Heard<OrderConfirmed>,
    order: &mut Order,
) -> Option<(CreateDelivery, OrderUpdated)> {
    if order.status != Status::Pending {
        return None; // confirmed already, or cancelled first
    }
    order.note_payment(heard.payment_id, heard.amount, heard.now());
    let told = order.confirm(heard.now());
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
        Some(_) => return None, // another copy was heard, or an undo is on its way
        None => None,           // no order was ever opened here, and yet somebody pays
    };
    Some((CancelPayment { order_id, reason }, told))
}

/// A dealer brings the order.
pub(crate) fn complete_order(heard: &Heard<DeliveryAssigned>, order: &mut Order) -> Option<OrderUpdated> {
    if order.status != Status::Confirmed {
        return None; // completed already, or cancelled first
    }
    Some(order.complete(heard.delivery_id, heard.now()))
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
pub(crate) fn note_notified(heard: &Heard<CustomerNotified>, order: &mut Order) {
    if order.notified < Some(heard.status) {
        (order.notified, order.updated_at) = (Some(heard.status), heard.now());
    }
}

/// The order is off, unless it came to an end before. One that was never opened here needs no tombstone: an order
/// is opened before anything else is said of it.
pub(crate) fn cancel_order(heard: &Heard<CancelOrder>, order: &mut Option<Order>) -> Option<OrderUpdated> {
    order.as_mut()?.cancel(heard.reason, heard.now())
}

#[cfg(test)]
mod tests;
