//! The messages that inventory publishes.

use choreography::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Confirmation, CustomerId, Money, OrderId};

/// To payment: open a payment, as the order's pieces are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "create-payment", key = order_id, role = step)]
pub struct CreatePayment {
    /// The order.
    pub order_id: OrderId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// How much, from the catalogue.
    pub amount: Money,
    /// Whether the payment waits for the customer.
    pub confirmation: Confirmation,
}
