//! What inventory does when it receives something, from the order's beginning to its end.
//!
//! Pieces are held once for an order and leave or are let go once, in whatever order the messages come.

use choreography::{Dead, Incoming, Rows};
use contracts::{CancelOrder, CancelReason, CreatePayment, DeliveryAssigned, ReserveStock};

use crate::reservation::Reservation;
use crate::stock::{Stock, price};

/// Prices the lines from the catalogue and holds the pieces, or tells the order why not.
pub(crate) fn reserve_stock(
    message: &Incoming<ReserveStock>,
    reservation: &mut Option<Reservation>,
    stock: &mut Rows<Stock>,
) -> (Option<CreatePayment>, Option<CancelOrder>) {
    if reservation.is_some() {
        return (None, None); // done already, or cancelled first
    }
    let order_id = message.order_id;
    match price(&message.lines, stock) {
        Ok(amount) => {
            *reservation = Some(Reservation::held(order_id, &message.lines, stock, message.now()));
            let (customer_id, confirmation) = (message.customer_id, message.confirmation);
            (Some(CreatePayment { order_id, customer_id, amount, confirmation }), None)
        }
        Err(reason) => {
            *reservation = Some(Reservation::refused(order_id, reason, message.now()));
            (None, Some(CancelOrder { order_id, reason }))
        }
    }
}

/// Nothing was held and nothing will be: the order must not wait for it.
pub(crate) fn give_up(dead: &Dead<ReserveStock>, reservation: &mut Option<Reservation>) -> Option<CancelOrder> {
    if reservation.is_some() {
        return None;
    }
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    *reservation = Some(Reservation::refused(order_id, reason, dead.now()));
    Some(CancelOrder { order_id, reason })
}

/// The held pieces leave the shelf.
pub(crate) fn ship_stock(
    message: &Incoming<DeliveryAssigned>,
    reservation: &mut Reservation,
    stock: &mut Rows<Stock, Reservation>,
) {
    reservation.ship(stock, message.now());
}

/// The dealer has the pieces whether inventory received of it in time or not, and the customer has been told: turning
/// back would be wrong, and all that the message would have done can be done without it.
pub(crate) fn ship_late(
    dead: &Dead<DeliveryAssigned>,
    reservation: &mut Option<Reservation>,
    stock: &mut Rows<Stock, Reservation>,
) {
    if let Some(reservation) = reservation {
        reservation.ship(stock, dead.now());
    }
}

/// Lets the held pieces go, or takes back those that have left.
pub(crate) fn release_stock(
    message: &Incoming<CancelOrder>,
    reservation: &mut Option<Reservation>,
    stock: &mut Rows<Stock, Reservation>,
) {
    match reservation {
        Some(reservation) => reservation.release(stock, message.reason, message.now()),
        None => *reservation = Some(Reservation::never_held(message.order_id, message.reason, message.now())),
    }
}

#[cfg(test)]
mod tests;
