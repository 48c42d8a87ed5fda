//! The messages that delivery publishes, and the compensation that it receives.

use choreography::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CancelReason, DeliveryId, OrderId};

/// To order and inventory: a dealer delivers the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "delivery-assigned", key = order_id, role = event)]
pub struct DeliveryAssigned {
    /// The order.
    pub order_id: OrderId,
    /// Its delivery.
    pub delivery_id: DeliveryId,
    /// The dealer's name.
    pub dealer: String,
}

/// To delivery, from order: the delivery is cancelled. Delivery publishes `cancel-payment` then, in every case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "cancel-delivery", key = order_id, role = compensation)]
pub struct CancelDelivery {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
}
