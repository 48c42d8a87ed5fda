//! The messages that payment publishes, and the compensation that it receives.

use choreography::{Concerns, Message};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CancelReason, CustomerId, Money, OperationId, OrderId, PaymentId};

/// To order: a payment was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "order-confirmed", key = order_id, role = event)]
pub struct OrderConfirmed {
    /// The order.
    pub order_id: OrderId,
    /// Its payment.
    pub payment_id: PaymentId,
    /// What was paid. `payment-created` has it too, but may arrive later.
    pub amount: Money,
    /// The wallet's operation that paid; payments of earlier versions have none.
    #[serde(default)]
    pub operation_id: Option<OperationId>,
}

/// To wallet: take the money for an order. A debit that is requested again has the same operation, and is booked once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "debit-wallet", key = order_id, role = step, concerns = customer_id)]
pub struct DebitWallet {
    /// The order.
    pub order_id: OrderId,
    /// The id that the operation will have.
    pub operation_id: OperationId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// How much.
    pub amount: Money,
}

/// The debit, and what may open the wallet before it.
impl Concerns<OperationId> for DebitWallet {
    fn concerns(&self) -> Vec<OperationId> {
        vec![self.operation_id, OperationId::of_opening(self.customer_id)]
    }
}

/// To payment itself: look whether the wallet has answered, and request the money again if it has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "retry-debit", key = order_id, role = event)]
pub struct RetryDebit {
    /// The order.
    pub order_id: OrderId,
    /// How often the money was requested before.
    pub attempts: u32,
}

/// To payment itself: the deadline of a payment that waits for the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "expire-payment", key = order_id, role = event)]
pub struct ExpirePayment {
    /// The order.
    pub order_id: OrderId,
}

/// To payment, from order and delivery: the payment is refunded or cancelled. Payment publishes `cancel-order` then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
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
