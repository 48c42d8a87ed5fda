//! What order says, and the compensation that order and inventory receive.

use choreography::{Concerns, Message};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CancelReason, CustomerId, Money, OrderId, Sku, Zone};

/// So many pieces of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// The product.
    pub sku: Sku,
    /// How many pieces; at least one.
    pub quantity: u32,
}

/// Whether a payment waits for the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confirmation {
    /// The customer confirms the payment.
    #[default]
    Manual,
    /// The payment is confirmed as soon as it is created.
    Automatic,
}

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Address {
    /// The zone, for which dealers are looked up.
    pub zone: Zone,
    /// Street, number and town, for the dealer.
    pub line: String,
}

/// What the customer is told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// The payment is confirmed.
    Paid,
    /// The order is cancelled.
    Cancelled,
    /// A dealer brings the order.
    Completed,
}

/// To inventory: hold these pieces. Each product stands on one line only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "reserve-stock", key = order_id, role = step)]
pub struct ReserveStock {
    /// The order.
    pub order_id: OrderId,
    /// Whose order it is; payment needs it.
    pub customer_id: CustomerId,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// Whether the payment waits for the customer.
    pub confirmation: Confirmation,
}

impl Concerns<Sku> for ReserveStock {
    fn concerns(&self) -> Vec<Sku> {
        self.lines.iter().map(|line| line.sku.clone()).collect()
    }
}

/// To delivery: find a dealer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "create-delivery", key = order_id, role = step)]
pub struct CreateDelivery {
    /// The order.
    pub order_id: OrderId,
    /// Where it goes.
    pub address: Address,
}

impl Concerns<Zone> for CreateDelivery {
    fn concerns(&self) -> Vec<Zone> {
        vec![self.address.zone.clone()]
    }
}

/// To notify: the customer should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "order-updated", key = order_id, role = event)]
pub struct OrderUpdated {
    /// The order.
    pub order_id: OrderId,
    /// Whose order it is.
    pub customer_id: CustomerId,
    /// Where to write to, if the order says so.
    pub email: Option<String>,
    /// What happened.
    pub status: News,
    /// What the order costs, if that is known yet.
    pub total: Option<Money>,
    /// Why it was cancelled.
    pub reason: Option<CancelReason>,
    /// What was ordered.
    pub lines: Vec<Line>,
}

/// Compensation, to order and inventory: the order is off; what is held for it is let go.
///
/// Said by inventory and payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "cancel-order", key = order_id, role = compensation)]
pub struct CancelOrder {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
}
