//! A payment: `pending → confirmed → refunded`, or from `pending` to `cancelled` or `expired`.
//!
//! Only a `confirmed` payment holds money, and whatever ends one otherwise tells the order: so it is told once.

use choreography::{Column, Row};
use contracts::{CancelOrder, CancelReason, CreatePayment, CustomerId, ExpirePayment, Money, OrderId, PaymentId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits for the customer.
    Pending,
    /// The money is there.
    Confirmed,
    /// The money was given back.
    Refunded,
    /// It was called off before it was confirmed, or before it was there at all.
    Cancelled,
    /// Nobody confirmed it in time.
    Expired,
}

/// An order's payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "payment", key = OrderId)]
pub struct Payment {
    /// Its own id.
    pub id: PaymentId,
    /// The order.
    pub order_id: OrderId,
    /// How it stands.
    pub status: Status,
    /// How much; null if it was called off before anybody said it.
    pub amount: Option<Money>,
    /// Who pays, if anybody said it.
    pub customer_id: Option<CustomerId>,
    /// Until when it waits for the customer.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    /// Why there is no money.
    pub reason: Option<CancelReason>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it came to be as it is.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl Payment {
    /// Its own id.
    pub const ID: Column<Self, PaymentId> = Column::new("id");
    /// The order.
    pub const ORDER: Column<Self, OrderId> = Column::new("key");

    /// Waits for the customer until a deadline.
    pub fn pending(id: PaymentId, asked: &CreatePayment, deadline: Timestamp, now: Timestamp) -> Self {
        Self { status: Status::Pending, deadline: Some(deadline), ..Self::confirmed(id, asked, now) }
    }

    /// Waits for nobody.
    pub fn confirmed(id: PaymentId, asked: &CreatePayment, now: Timestamp) -> Self {
        Self {
            id,
            order_id: asked.order_id,
            status: Status::Confirmed,
            amount: Some(asked.amount),
            customer_id: Some(asked.customer_id),
            deadline: None,
            reason: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The tombstone of a payment that was called off before it was opened.
    pub fn never_opened(id: PaymentId, order_id: OrderId, reason: CancelReason, now: Timestamp) -> Self {
        Self {
            id,
            order_id,
            status: Status::Cancelled,
            amount: None,
            customer_id: None,
            deadline: None,
            reason: Some(reason),
            created_at: now,
            updated_at: now,
        }
    }

    /// The customer has confirmed it.
    pub fn confirm(&mut self, now: Timestamp) {
        (self.status, self.updated_at) = (Status::Confirmed, now);
    }

    /// Ends it without money, and tells the order.
    pub fn end(&mut self, status: Status, reason: CancelReason, now: Timestamp) -> CancelOrder {
        (self.status, self.reason, self.updated_at) = (status, Some(reason), now);
        CancelOrder { order_id: self.order_id, reason }
    }

    /// What it would have said to itself at its deadline.
    pub fn expiry(&self) -> ExpirePayment {
        ExpirePayment { order_id: self.order_id }
    }
}
