//! The reactions of inventory, in the order of a story.
//!
//! What must hold: an order's pieces are held once, and are shipped or released once, in whatever order the messages
//! arrive.

use choreography::{Dead, Incoming, Rows};
use contracts::{CancelOrder, CancelReason, CreatePayment, DeliveryAssigned, ReserveStock};

use crate::reservation::Reservation;
use crate::stock::{Stock, price};

/// Prices the lines from the catalogue and holds the pieces. If that can't be done, the order is cancelled.
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
            (None, Some(CancelOrder { order_id, reason, goods_gone: false }))
        }
    }
}

/// Refuses the reservation, and cancels the order.
pub(crate) fn give_up(dead: &Dead<ReserveStock>, reservation: &mut Option<Reservation>) -> Option<CancelOrder> {
    if reservation.is_some() {
        return None;
    }
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    *reservation = Some(Reservation::refused(order_id, reason, dead.now()));
    Some(CancelOrder { order_id, reason, goods_gone: false })
}

/// Takes the held pieces off the shelf.
pub(crate) fn ship_stock(
    message: &Incoming<DeliveryAssigned>,
    reservation: &mut Reservation,
    stock: &mut Rows<Stock, Reservation>,
) {
    reservation.ship(stock, message.now());
}

/// Takes the held pieces off the shelf all the same: the dealer has them, and the reaction needs nothing of the message
/// but its key.
pub(crate) fn ship_anyway(
    dead: &Dead<DeliveryAssigned>,
    reservation: &mut Option<Reservation>,
    stock: &mut Rows<Stock, Reservation>,
) {
    if let Some(reservation) = reservation {
        reservation.ship(stock, dead.now());
    }
}

/// Releases the held pieces, or puts shipped ones back on the shelf. Pieces that are gone don't come back.
pub(crate) fn release_stock(
    message: &Incoming<CancelOrder>,
    reservation: &mut Option<Reservation>,
    stock: &mut Rows<Stock, Reservation>,
) {
    match reservation {
        Some(reservation) if message.goods_gone => reservation.lose(stock, message.reason, message.now()),
        Some(reservation) => reservation.release(stock, message.reason, message.now()),
        None => *reservation = Some(Reservation::never_held(message.order_id, message.reason, message.now())),
    }
}

#[cfg(test)]
mod tests;
