//! An accepted order as its customer sees it: with the fields that order shows.

use contracts::{Address, CancelReason, CustomerId, Line, OrderId};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::accepted::AcceptedOrder;

/// An order that order does not know yet. It has the fields of an order, so that nobody has to tell the two apart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcceptedOrder)]
pub struct AcceptedShown {
    id: OrderId,
    customer_id: CustomerId,
    status: AcceptedStatus,
    /// What was ordered.
    lines: Vec<Line>,
    /// Where it is delivered.
    address: Address,
    #[schema(value_type = Option<Object>)]
    total: Option<()>,
    #[schema(value_type = Option<String>)]
    payment_id: Option<()>,
    #[schema(value_type = Option<String>)]
    operation_id: Option<()>,
    #[schema(value_type = Option<String>)]
    delivery_id: Option<()>,
    /// Why it was cancelled.
    reason: Option<CancelReason>,
    #[schema(value_type = Option<String>)]
    notified: Option<()>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// The state of an order that order does not know.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AcceptedStatus {
    /// Order opens it as soon as it can.
    Accepted,
    /// It was cancelled.
    Cancelled,
}

impl AcceptedShown {
    /// Returns it as JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("an accepted order has only what JSON has")
    }
}

impl From<AcceptedOrder> for AcceptedShown {
    fn from(order: AcceptedOrder) -> Self {
        Self {
            id: order.order_id,
            customer_id: order.customer_id,
            status: if order.cancelled.is_some() { AcceptedStatus::Cancelled } else { AcceptedStatus::Accepted },
            lines: order.lines,
            address: order.address,
            total: None,
            payment_id: None,
            operation_id: None,
            delivery_id: None,
            reason: order.cancelled,
            notified: None,
            created_at: order.accepted_at,
            updated_at: order.updated_at,
        }
    }
}
