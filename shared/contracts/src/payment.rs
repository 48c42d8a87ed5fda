//! The messages that payment publishes, and the compensation that it receives.

use choreography::Message;
use serde::{Deserialize, Serialize};

use crate::{CancelReason, Money, OrderId, PaymentId};

/// To order: a payment was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "payment-created", key = order_id, role = event)]
pub struct PaymentCreated {
    /// The order.
    pub order_id: OrderId,
    /// Its payment.
    pub payment_id: PaymentId,
    /// What the order costs.
    pub amount: Money,
}

/// To order: the payment is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "order-confirmed", key = order_id, role = event)]
pub struct OrderConfirmed {
    /// The order.
    pub order_id: OrderId,
    /// Its payment.
    pub payment_id: PaymentId,
    /// What was paid. `payment-created` has it too, but may arrive later.
    pub amount: Money,
}

/// To payment itself: the deadline of a payment that waits for the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "expire-payment", key = order_id, role = event)]
pub struct ExpirePayment {
    /// The order.
    pub order_id: OrderId,
}

/// To payment, from order and delivery: the payment is refunded or cancelled. Payment publishes `cancel-order` then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "cancel-payment", key = order_id, role = compensation)]
pub struct CancelPayment {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
    /// Whether the customer has the goods already and keeps them.
    #[serde(default)]
    pub goods_gone: bool,
}
