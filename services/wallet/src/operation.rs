//! An operation: one change of one balance.
//!
//! What must hold: an operation is written once, together with the balance that it changes, and never changes.

use choreography::{Column, Row, Rows};
use contracts::{CustomerId, Money, OperationId, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The money of a demonstration with which the wallet was opened.
    Opening,
    /// The customer put money in.
    Deposit,
    /// An order was paid.
    Debit,
    /// An order's money came back.
    Refund,
}

/// A change of a balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "operation", key = OperationId)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// Whose wallet was changed.
    pub customer_id: CustomerId,
    /// What was done.
    pub kind: Kind,
    /// How much was put in, or with `debit` taken out.
    pub amount: Money,
    /// How much was in the wallet afterwards.
    pub balance_after: Money,
    /// The order that was paid or refunded.
    pub order_id: Option<OrderId>,
    /// When it was booked.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl Operation {
    /// The column of the customer.
    pub const CUSTOMER: Column<Self, CustomerId> = Column::new("customer_id");
    /// The column of the moment at which it was booked.
    pub const CREATED: Column<Self, Timestamp> = Column::new("created_at");

    /// Writes it among the operations of a message.
    pub fn book(self, operations: &mut Rows<Self>) {
        operations.insert(self.id, self);
    }
}
