//! The messages that order publishes, and the compensation that order and inventory receive.

use choreography::{Concerns, Message};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CancelReason, CustomerId, Money, OrderId, Sku, Zone};

/// A product of an order and how many pieces of it.
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
    /// Another way, of a later version.
    #[serde(other)]
    Unknown,
}

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Address {
    /// The zone, which has dealers of its own.
    pub zone: Zone,
    /// Street, number and town, for the dealer.
    pub line: String,
}

/// What the customer is notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// The payment is confirmed.
    Paid,
    /// The order is cancelled.
    Cancelled,
    /// A dealer delivers the order.
    Completed,
    /// News of a later version.
    #[serde(other)]
    Unknown,
}

/// To inventory: hold these pieces. Each product is on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "reserve-stock", key = order_id, role = step)]
pub struct ReserveStock {
    /// The order.
    pub order_id: OrderId,
    /// Whose order it is, for payment.
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

/// To delivery: find a dealer for the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
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

/// To notify: the customer has to be notified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "order-updated", key = order_id, role = event)]
pub struct OrderUpdated {
    /// The order.
    pub order_id: OrderId,
    /// Whose order it is.
    pub customer_id: CustomerId,
    /// The customer's mail address, if the order has one.
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

/// To order, inventory and the gateway, from inventory, payment and order: the order is cancelled, and its pieces are
/// released, unless they are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "cancel-order", key = order_id, role = compensation)]
pub struct CancelOrder {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
    /// Whether the customer has the goods already and keeps them.
    #[serde(default)]
    pub goods_gone: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_compensation_of_an_earlier_version_says_that_no_goods_are_gone() {
        let order_id: OrderId = uuid::Uuid::from_u128(1).into();
        let earlier = json!({"order_id": order_id, "reason": "no-dealer"});
        let expected = CancelOrder { order_id, reason: CancelReason::NoDealer, goods_gone: false };
        assert_eq!(serde_json::from_value::<CancelOrder>(earlier.clone()).unwrap(), expected);
        assert!(!serde_json::from_value::<crate::CancelPayment>(earlier).unwrap().goods_gone);
    }
}
