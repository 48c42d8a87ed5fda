//! The messages that wallet publishes, and the compensation that it receives.

use choreography::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CancelReason, Money, OperationId, OrderId};

/// To payment: the money was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "wallet-debited", key = order_id, role = event)]
pub struct WalletDebited {
    /// The order.
    pub order_id: OrderId,
    /// The operation that took it.
    pub operation_id: OperationId,
    /// How much was taken.
    pub amount: Money,
}

/// To payment: no money was taken, and none will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "debit-refused", key = order_id, role = event)]
pub struct DebitRefused {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
}

/// To wallet, from payment: the order's money goes back, or is never taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "refund-wallet", key = order_id, role = compensation, concerns = operation_id)]
pub struct RefundWallet {
    /// The order.
    pub order_id: OrderId,
    /// The id that the operation will have, if there is something to refund.
    pub operation_id: OperationId,
    /// Why.
    pub reason: CancelReason,
}
