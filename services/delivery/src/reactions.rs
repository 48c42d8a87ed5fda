//! The reactions of delivery, in the order of a story.
//!
//! What must hold: an order is assigned to a dealer once and removed once, in whatever order the messages arrive.

use choreography::{Command, Dead, Incoming, Rejected, Rows};
use contracts::{CancelDelivery, CancelPayment, CancelReason, CreateDelivery, DeliveryAssigned, OrderId};
use serde::{Deserialize, Serialize};

use crate::dealers::Dealers;
use crate::delivery::{Delivery, Status};

/// Finds a dealer with room in the zone. If there is none, the payment is cancelled.
pub(crate) fn create_delivery(
    message: &Incoming<CreateDelivery>,
    delivery: &mut Option<Delivery>,
    dealers: &mut Option<Dealers>,
) -> (Option<DeliveryAssigned>, Option<CancelPayment>) {
    if delivery.is_some() {
        return (None, None); // created already, or cancelled first
    }
    let (order_id, delivery_id) = (message.order_id, message.new_id("delivery"));
    match dealers.as_mut().and_then(Dealers::assign) {
        Some(dealer) => {
            let (address, name) = (message.address.clone(), dealer.clone());
            *delivery = Some(Delivery::assigned(delivery_id, order_id, address, name, message.now()));
            (Some(DeliveryAssigned { order_id, delivery_id, dealer }), None)
        }
        None => {
            let reason = CancelReason::NoDealer;
            let refused = Delivery::refused(delivery_id, order_id, reason, message.now());
            *delivery = Some(Delivery { address: Some(message.address.clone()), ..refused });
            (None, Some(CancelPayment { order_id, reason, goods_gone: false }))
        }
    }
}

/// Refuses the delivery, and cancels the payment.
pub(crate) fn give_up(dead: &Dead<CreateDelivery>, delivery: &mut Option<Delivery>) -> Option<CancelPayment> {
    if delivery.is_some() {
        return None;
    }
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    *delivery = Some(Delivery::refused(dead.new_id("delivery"), order_id, reason, dead.now()));
    Some(CancelPayment { order_id, reason, goods_gone: false })
}

/// The dealer has delivered the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "complete-delivery", key = order_id, row = Delivery)]
pub struct CompleteDelivery {
    /// The order.
    pub order_id: OrderId,
}

/// Completes the delivery. Its dealer has room again.
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

/// Cancels the delivery, removes it from its dealer, and cancels the payment. If the customer has the order already, the
/// delivery stays complete and the money goes back all the same: a loss, and the pieces don't come back.
pub(crate) fn cancel_delivery(
    message: &Incoming<CancelDelivery>,
    delivery: &mut Option<Delivery>,
    dealers: &mut Rows<Dealers, Delivery>,
) -> Option<CancelPayment> {
    let CancelDelivery { order_id, reason } = **message;
    let Some(delivery) = delivery else {
        *delivery = Some(Delivery::never_created(message.new_id("delivery"), order_id, reason, message.now()));
        return Some(CancelPayment { order_id, reason, goods_gone: false });
    };
    if !delivery.cancel(dealers, reason, message.now()) {
        return None;
    }
    if delivery.lost {
        tracing::warn!(%order_id, delivery_id = %delivery.id, "a completed delivery was cancelled: goods and money are lost");
    }
    Some(CancelPayment { order_id, reason, goods_gone: delivery.lost })
}

#[cfg(test)]
mod tests;
