//! What delivery says, and the compensation that delivery receives.

use serde::{Deserialize, Serialize};

use crate::macros::story_of_an_order;
use crate::{CancelReason, DeliveryId, OrderId};

/// To order and inventory: a dealer brings the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAssigned {
    /// The order.
    pub order_id: OrderId,
    /// Its delivery.
    pub delivery_id: DeliveryId,
    /// The dealer's name.
    pub dealer: String,
}

/// Compensation, to delivery: the dealer is free again. Delivery says `cancel-payment` then, in every case.
///
/// Said by order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelDelivery {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
}

story_of_an_order! {
    DeliveryAssigned => "delivery-assigned",
    CancelDelivery => "cancel-delivery" compensation,
}
