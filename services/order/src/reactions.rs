//! The reactions of order, in the order of a story.
//!
//! What must hold: a cancelled order stays cancelled. Later messages do nothing: its compensations are published
//! already.

use choreography::{Dead, Incoming};
use contracts::{
    CancelDelivery, CancelOrder, CancelPayment, CancelReason, CreateDelivery, CreateOrder, CustomerNotified,
    DeliveryAssigned, News, OrderConfirmed, OrderUpdated, PaymentCreated, ReserveStock,
};

use crate::customer::opened;
use crate::order::{Order, Status, UnopenedOrder};

/// Opens the order that the gateway has accepted, unless it was opened already, or cancelled first.
pub(crate) fn create_order(
    message: &Incoming<CreateOrder>,
    order: &mut Option<Order>,
    unopened: &mut Option<UnopenedOrder>,
) -> Option<ReserveStock> {
    if order.is_some() || unopened.is_some() {
        return None;
    }
    let (opened, reserve_stock) = opened((**message).clone(), message.now());
    *order = Some(opened);
    Some(reserve_stock)
}

/// Cancels an order that can't be opened, so that the gateway knows, and it is not opened later.
pub(crate) fn cancel_unopened(
    dead: &Dead<CreateOrder>,
    order: &mut Option<Order>,
    unopened: &mut Option<UnopenedOrder>,
) -> Option<CancelOrder> {
    if order.is_some() || unopened.is_some() {
        return None;
    }
    *unopened = Some(UnopenedOrder { cancelled_at: dead.now() });
    Some(CancelOrder { order_id: *dead.key(), reason: CancelReason::NotOpened, goods_gone: false })
}

/// Notes the payment, also of an order that was cancelled meanwhile, so that the order shows it.
pub(crate) fn note_payment(message: &Incoming<PaymentCreated>, order: &mut Order) {
    order.note_payment(message.payment_id, message.amount, message.now());
}

/// Confirms the order, and requests a delivery.
///
/// # Panics
/// When the payment or its amount is not the order's. The message dies then, and [`cancel_unconfirmed`] cancels the order.
pub(crate) fn confirm_order(
    message: &Incoming<OrderConfirmed>,
    order: &mut Order,
) -> Option<(CreateDelivery, OrderUpdated)> {
    if order.status == Status::Cancelled {
        return None; // a compensation is on its way
    }
    if let Some(contradiction) = order.contradicts(message.payment_id, message.amount) {
        panic!("{contradiction}");
    }
    if order.status != Status::Pending {
        return None; // confirmed already
    }
    order.note_payment(message.payment_id, message.amount, message.now());
    let update = order.confirm(message.operation_id, message.now());
    Some((CreateDelivery { order_id: order.id, address: order.address.clone() }, update))
}

/// Cancels the order and its payment: no delivery will be requested. One that is not opened yet never will be.
pub(crate) fn cancel_unconfirmed(
    dead: &Dead<OrderConfirmed>,
    order: &mut Option<Order>,
    unopened: &mut Option<UnopenedOrder>,
) -> Option<(CancelPayment, Option<OrderUpdated>)> {
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    let update = match order {
        Some(order) if order.status == Status::Pending => order.cancel(reason, dead.now()),
        Some(_) => return None, // confirmed by another copy of the message, or cancelled first
        None if unopened.is_some() => return None,
        None => {
            *unopened = Some(UnopenedOrder { cancelled_at: dead.now() });
            None
        }
    };
    Some((CancelPayment { order_id, reason, goods_gone: false }, update))
}

/// Completes the order.
pub(crate) fn complete_order(message: &Incoming<DeliveryAssigned>, order: &mut Order) -> Option<OrderUpdated> {
    if order.status != Status::Confirmed {
        return None; // completed already, or cancelled first
    }
    Some(order.complete(message.delivery_id, message.now()))
}

/// Cancels the order and its delivery: the order can't be completed. One that is not opened yet never will be.
pub(crate) fn cancel_incomplete(
    dead: &Dead<DeliveryAssigned>,
    order: &mut Option<Order>,
    unopened: &mut Option<UnopenedOrder>,
) -> Option<(CancelDelivery, Option<OrderUpdated>)> {
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    let update = match order {
        Some(order) => Some(order.cancel(reason, dead.now())?), // completed or cancelled already
        None if unopened.is_some() => return None,
        None => {
            *unopened = Some(UnopenedOrder { cancelled_at: dead.now() });
            None
        }
    };
    Some((CancelDelivery { order_id, reason }, update))
}

/// Notes the latest news that the customer was mailed, in whatever order the messages arrive; nothing if there was
/// nobody to mail.
///
/// An order that was cancelled before it was opened has no row: the customer was notified of that all the same.
pub(crate) fn note_notified(message: &Incoming<CustomerNotified>, order: &mut Option<Order>) {
    let Some(order) = order else { return };
    if message.mailed && message.status != News::Unknown && order.notified < Some(message.status) {
        (order.notified, order.updated_at) = (Some(message.status), message.now());
    }
}

/// Cancels the order, unless it is completed or cancelled. One that is not opened yet never will be.
pub(crate) fn cancel_order(
    message: &Incoming<CancelOrder>,
    order: &mut Option<Order>,
    unopened: &mut Option<UnopenedOrder>,
) -> Option<OrderUpdated> {
    if order.is_none() {
        unopened.get_or_insert(UnopenedOrder { cancelled_at: message.now() });
    }
    order.as_mut()?.cancel(message.reason, message.now())
}

#[cfg(test)]
mod tests;
