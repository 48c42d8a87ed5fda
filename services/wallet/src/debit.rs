//! What was taken from a wallet for an order.
//!
//! What must hold: an order has one debit. `refused`, `reversed` and `cancelled` are final, and keep no money.

use choreography::{Concerns, Row};
use contracts::{CancelReason, CustomerId, DebitWallet, Money, OperationId, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of a debit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The money was taken.
    Booked,
    /// The money was not taken: there is too little, or the request died.
    Refused,
    /// The money was taken and given back.
    Reversed,
    /// The order was refunded before the money was requested, so it is never taken.
    Cancelled,
}

/// An order's debit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "debit", key = OrderId, final = has_ended)]
pub struct Debit {
    /// The order.
    pub order_id: OrderId,
    /// Its state.
    pub status: Status,
    /// Whose money was taken; none if none was.
    pub customer_id: Option<CustomerId>,
    /// How much was taken; none if nothing was.
    pub amount: Option<Money>,
    /// The operation that took it; none if nothing was taken.
    pub operation_id: Option<OperationId>,
    /// Why the money was not taken, or given back.
    pub reason: Option<CancelReason>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The wallet from which the money was taken.
impl Concerns<CustomerId> for Debit {
    fn concerns(&self) -> Vec<CustomerId> {
        self.customer_id.into_iter().collect()
    }
}

impl Debit {
    /// Returns a debit whose money was taken.
    pub fn booked(request: &DebitWallet, now: Timestamp) -> Self {
        Self {
            order_id: request.order_id,
            status: Status::Booked,
            customer_id: Some(request.customer_id),
            amount: Some(request.amount),
            operation_id: Some(request.operation_id),
            reason: None,
            updated_at: now,
        }
    }

    /// Returns a debit without money: `refused` or `cancelled`.
    pub fn without_money(order_id: OrderId, status: Status, reason: CancelReason, now: Timestamp) -> Self {
        let (customer_id, amount, operation_id) = (None, None, None);
        Self { order_id, status, customer_id, amount, operation_id, reason: Some(reason), updated_at: now }
    }

    /// Whether nothing becomes of it any more.
    pub fn has_ended(&self) -> bool {
        self.status != Status::Booked
    }

    /// Reverses it, and returns what has to be given back to whom; none if nothing was taken, or it is back already.
    pub fn reverse(&mut self, reason: CancelReason, now: Timestamp) -> Option<(CustomerId, Money)> {
        let taken = self.customer_id.zip(self.amount).filter(|_| self.status == Status::Booked)?;
        (self.status, self.reason, self.updated_at) = (Status::Reversed, Some(reason), now);
        Some(taken)
    }
}
