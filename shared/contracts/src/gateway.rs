//! The messages that the gateway publishes.

use choreography::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Address, Confirmation, CustomerId, Line, OrderId};

/// To order: open the order, which the gateway has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "create-order", key = order_id, role = step)]
pub struct CreateOrder {
    /// The order.
    pub order_id: OrderId,
    /// Who orders.
    pub customer_id: CustomerId,
    /// The customer's mail address, if the order has one.
    pub email: Option<String>,
    /// What is ordered. Lines of one product add up.
    pub lines: Vec<Line>,
    /// Where it goes.
    pub address: Address,
    /// Whether the payment waits for the customer.
    pub confirmation: Confirmation,
}
