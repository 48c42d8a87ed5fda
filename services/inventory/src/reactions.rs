//! What inventory does when it hears something, from the order's beginning to its end.
//!
//! Pieces are held once for an order and leave or are let go once, in whatever order the messages come.

use choreography::{Dead, Heard, Rows};
use contracts::{CancelOrder, CancelReason, CreatePayment, DeliveryAssigned, ReserveStock};

use crate::reservation::Reservation;
use crate::stock::{Stock, price};

/// Prices the lines from the catalogue and holds the pieces, or tells the order why not.
pub(crate) fn reserve_stock(
    heard: &Heard<ReserveStock>,
    reservation: &mut Option<Reservation>,
    stock: &mut Rows<Stock>,
) -> (Option<CreatePayment>, Option<CancelOrder>) {
    if reservation.is_some() {
        return (None, None); // done already, or cancelled first
    }
    let order_id = heard.order_id;
    match price(&heard.lines, stock) {
        Ok(amount) => {
            *reservation = Some(Reservation::held(order_id, &heard.lines, stock, heard.now()));
            let (customer_id, confirmation) = (heard.customer_id, heard.confirmation);
            (Some(CreatePayment { order_id, customer_id, amount, confirmation }), None)
        }
        Err(reason) => {
            *reservation = Some(Reservation::refused(order_id, reason, heard.now()));
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
    heard: &Heard<DeliveryAssigned>,
    reservation: &mut Reservation,
    stock: &mut Rows<Stock, Reservation>,
) {
    reservation.ship(stock, heard.now());
}

/// The dealer has the pieces whether inventory heard of it in time or not, and the customer has been told: turning
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
    heard: &Heard<CancelOrder>,
    reservation: &mut Option<Reservation>,
    stock: &mut Rows<Stock, Reservation>,
) {
    match reservation {
        Some(reservation) => reservation.release(stock, heard.reason, heard.now()),
        None => *reservation = Some(Reservation::never_held(heard.order_id, heard.reason, heard.now())),
    }
}

#[cfg(test)]
mod tests;
