//! A payment: `pending → confirmed → refunded`, or from `pending` to `cancelled` or `expired`.
//!
//! What must hold: only a `confirmed` payment holds money, and a payment that ends cancels its order once.

use choreography::{Column, Row};
use contracts::{CancelOrder, CancelReason, CreatePayment, CustomerId, ExpirePayment, Money, OrderId, PaymentId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The state of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits for the customer.
    Pending,
    /// The customer has paid.
    Confirmed,
    /// The money was refunded.
    Refunded,
    /// It was cancelled before it was confirmed, or even before it was opened.
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
    /// Its state.
    pub status: Status,
    /// The amount; null in a tombstone.
    pub amount: Option<Money>,
    /// Who pays; null in a tombstone.
    pub customer_id: Option<CustomerId>,
    /// Until when it waits for the customer.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    /// Why it ended.
    pub reason: Option<CancelReason>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl Payment {
    /// The column of its id.
    pub const ID: Column<Self, PaymentId> = Column::new("id");
    /// The column of its order.
    pub const ORDER: Column<Self, OrderId> = Column::new("key");

    /// Returns a payment that waits for the customer until a deadline.
    pub fn pending(id: PaymentId, request: &CreatePayment, deadline: Timestamp, now: Timestamp) -> Self {
        Self { status: Status::Pending, deadline: Some(deadline), ..Self::confirmed(id, request, now) }
    }

    /// Returns a payment that is confirmed at once.
    pub fn confirmed(id: PaymentId, request: &CreatePayment, now: Timestamp) -> Self {
        Self {
            id,
            order_id: request.order_id,
            status: Status::Confirmed,
            amount: Some(request.amount),
            customer_id: Some(request.customer_id),
            deadline: None,
            reason: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the tombstone of a payment that was cancelled before it was opened.
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

    /// Confirms it.
    pub fn confirm(&mut self, now: Timestamp) {
        (self.status, self.updated_at) = (Status::Confirmed, now);
    }

    /// Ends it without money, and returns the compensation of an order whose goods are not gone.
    pub fn end(&mut self, status: Status, reason: CancelReason, now: Timestamp) -> CancelOrder {
        (self.status, self.reason, self.updated_at) = (status, Some(reason), now);
        CancelOrder { order_id: self.order_id, reason, goods_gone: false }
    }

    /// Returns the message that is scheduled for its deadline.
    pub fn expiry(&self) -> ExpirePayment {
        ExpirePayment { order_id: self.order_id }
    }
}
