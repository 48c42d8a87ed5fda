//! What delivery does when it receives something, from the order's beginning to its end.
//!
//! A dealer's place is taken once for an order and freed once, in whatever order the messages come.

use choreography::{Command, Dead, Incoming, Rejected, Rows};
use contracts::{CancelDelivery, CancelPayment, CancelReason, CreateDelivery, DeliveryAssigned, OrderId};
use serde::{Deserialize, Serialize};

use crate::dealers::Dealers;
use crate::delivery::{Delivery, Status};

/// Finds a dealer with room in the zone; without one the money goes back.
pub(crate) fn create_delivery(
    message: &Incoming<CreateDelivery>,
    delivery: &mut Option<Delivery>,
    dealers: &mut Option<Dealers>,
) -> (Option<DeliveryAssigned>, Option<CancelPayment>) {
    if delivery.is_some() {
        return (None, None); // created already, or cancelled first
    }
    let (order_id, delivery_id) = (message.order_id, message.new_id("delivery"));
    match dealers.as_mut().and_then(Dealers::take_place) {
        Some(dealer) => {
            let (address, name) = (message.address.clone(), dealer.clone());
            *delivery = Some(Delivery::assigned(delivery_id, order_id, address, name, message.now()));
            (Some(DeliveryAssigned { order_id, delivery_id, dealer }), None)
        }
        None => {
            let reason = CancelReason::NoDealer;
            let refused = Delivery::refused(delivery_id, order_id, reason, message.now());
            *delivery = Some(Delivery { address: Some(message.address.clone()), ..refused });
            (None, Some(CancelPayment { order_id, reason }))
        }
    }
}

/// Nobody will bring it: the money goes back.
pub(crate) fn give_up(dead: &Dead<CreateDelivery>, delivery: &mut Option<Delivery>) -> Option<CancelPayment> {
    if delivery.is_some() {
        return None;
    }
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    *delivery = Some(Delivery::refused(dead.new_id("delivery"), order_id, reason, dead.now()));
    Some(CancelPayment { order_id, reason })
}

/// The dealer has brought it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "complete-delivery", key = order_id, row = Delivery)]
pub struct CompleteDelivery {
    /// The order.
    pub order_id: OrderId,
}

/// The customer has the order; the dealer has room for another.
pub(crate) fn complete_delivery(
    command: &Incoming<CompleteDelivery>,
    delivery: &mut Delivery,
    dealers: &mut Rows<Dealers, Delivery>,
) -> Result<(), Rejected> {
    match delivery.status {
        Status::Completed => Ok(()),
        Status::Assigned => {
            delivery.complete(dealers, command.now());
            Ok(())
        }
        Status::Cancelled => {
            Err(Rejected::new("delivery-cancelled", "the delivery was cancelled: bring the order back"))
        }
        Status::Refused => Err(Rejected::new("delivery-refused", "no dealer was found for this delivery")),
    }
}

/// Frees the dealer; and the money goes back in every case, even for what the customer has.
pub(crate) fn cancel_delivery(
    message: &Incoming<CancelDelivery>,
    delivery: &mut Option<Delivery>,
    dealers: &mut Rows<Dealers, Delivery>,
) -> Option<CancelPayment> {
    let CancelDelivery { order_id, reason } = **message;
    let Some(delivery) = delivery else {
        *delivery = Some(Delivery::never_created(message.new_id("delivery"), order_id, reason, message.now()));
        return Some(CancelPayment { order_id, reason });
    };
    if !delivery.cancel(dealers, reason, message.now()) {
        return None;
    }
    if delivery.lost {
        tracing::warn!(%order_id, delivery_id = %delivery.id, "a completed delivery was cancelled: goods and money are lost");
    }
    Some(CancelPayment { order_id, reason })
}

#[cfg(test)]
mod tests;
