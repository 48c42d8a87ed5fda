//! An order: `pending → confirmed → completed`, or `cancelled` from either of the first two.
//!
//! What must hold: `completed` and `cancelled` are final, and the customer is notified of each state once.

use choreography::{Column, Row};
use contracts::{
    Address, CancelReason, Confirmation, CustomerId, DeliveryId, Line, Money, News, OperationId, OrderId, OrderUpdated,
    PaymentId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::millisecond::Millisecond;

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its payment is not confirmed yet.
    Pending,
    /// It is paid, and a delivery is requested.
    Confirmed,
    /// A dealer delivers it.
    Completed,
    /// It keeps no money, holds no stock and has no active delivery, as soon as its compensations are processed.
    Cancelled,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "orders", key = OrderId, final = has_ended)] // `order` is a keyword of SQL
pub struct Order {
    /// Its id, the key of its story.
    pub id: OrderId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// The customer's mail address, if the order has one.
    pub email: Option<String>,
    /// Its state.
    pub status: Status,
    /// What was ordered: each product is on one line.
    pub lines: Vec<Line>,
    /// Where it goes.
    pub address: Address,
    /// Whether the payment waits for the customer.
    pub confirmation: Confirmation,
    /// What it costs, as soon as there is a payment.
    pub total: Option<Money>,
    /// Its payment.
    pub payment_id: Option<PaymentId>,
    /// The wallet's operation that paid it.
    #[serde(default)]
    pub operation_id: Option<OperationId>,
    /// Its delivery.
    pub delivery_id: Option<DeliveryId>,
    /// Why it was cancelled.
    pub reason: Option<CancelReason>,
    /// The latest news that the customer was mailed; none if there is nobody to mail.
    pub notified: Option<News>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An order that was cancelled before it was opened: it is not opened any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "unopened_order", key = OrderId, final = has_ended)]
pub struct UnopenedOrder {
    /// When it was cancelled.
    pub cancelled_at: Timestamp,
}

impl UnopenedOrder {
    fn has_ended(&self) -> bool {
        true
    }
}

impl Order {
    /// The column of its id.
    pub const ID: Column<Self, OrderId> = Column::new("key");
    /// The column of its customer.
    pub const CUSTOMER: Column<Self, CustomerId> = Column::new("customer_id");
    /// The column of the moment at which it was opened.
    pub const CREATED: Column<Self, Millisecond> = Column::new("created_at");
    /// The column of its state.
    pub const STATUS: Column<Self, Status> = Column::new("status");

    /// Whether nothing becomes of it any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.status, Status::Completed | Status::Cancelled)
    }

    /// Notes its payment and what it costs.
    pub fn note_payment(&mut self, payment_id: PaymentId, amount: Money, now: Timestamp) {
        if self.payment_id.is_none() {
            (self.payment_id, self.total, self.updated_at) = (Some(payment_id), Some(amount), now);
        }
    }

    /// Returns why a confirmation can't be of this order's payment; none if it can.
    pub fn contradicts(&self, payment_id: PaymentId, amount: Money) -> Option<&'static str> {
        if self.payment_id.is_some_and(|known| known != payment_id) {
            return Some("the confirmed payment is not the order's payment");
        }
        self.total.is_some_and(|total| total != amount).then_some("the paid amount is not the order's total")
    }

    /// Confirms it, as this operation of the wallet has paid it, and returns the news.
    pub fn confirm(&mut self, operation_id: Option<OperationId>, now: Timestamp) -> OrderUpdated {
        (self.status, self.operation_id, self.updated_at) = (Status::Confirmed, operation_id, now);
        self.update(News::Paid)
    }

    /// Completes it, and returns the news.
    pub fn complete(&mut self, delivery_id: DeliveryId, now: Timestamp) -> OrderUpdated {
        (self.status, self.delivery_id, self.updated_at) = (Status::Completed, Some(delivery_id), now);
        self.update(News::Completed)
    }

    /// Cancels it, and returns the news; none if it is completed or cancelled already.
    pub fn cancel(&mut self, reason: CancelReason, now: Timestamp) -> Option<OrderUpdated> {
        if self.has_ended() {
            return None;
        }
        (self.status, self.reason, self.updated_at) = (Status::Cancelled, Some(reason), now);
        Some(self.update(News::Cancelled))
    }

    fn update(&self, status: News) -> OrderUpdated {
        OrderUpdated {
            order_id: self.id,
            customer_id: self.customer_id,
            email: self.email.clone(),
            status,
            total: self.total,
            reason: self.reason,
            lines: self.lines.clone(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    pub(crate) fn id<T: From<Uuid>>(number: u128) -> T {
        Uuid::from_u128(number).into()
    }

    pub(crate) fn line(sku: &str, quantity: u32) -> Line {
        Line { sku: sku.parse().unwrap(), quantity }
    }

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Returns an order of one customer, opened at second 0.
    pub(crate) fn order(status: Status) -> Order {
        Order {
            id: id(1),
            customer_id: id(2),
            email: Some("ada@example.com".into()),
            status,
            lines: vec![line("tea", 2)],
            address: Address { zone: "north".parse().unwrap(), line: "1 Hill Road".into() },
            confirmation: Confirmation::Manual,
            total: None,
            payment_id: None,
            operation_id: None,
            delivery_id: None,
            reason: None,
            notified: None,
            created_at: at(0),
            updated_at: at(0),
        }
    }

    #[test]
    fn a_completed_or_cancelled_order_is_not_cancelled_again() {
        for (status, cancelled) in
            [(Status::Pending, true), (Status::Confirmed, true), (Status::Completed, false), (Status::Cancelled, false)]
        {
            let mut order = order(status);
            assert_eq!(order.cancel(CancelReason::Failed, at(1)).is_some(), cancelled, "{status}");
            assert_eq!(order.status == Status::Cancelled, status != Status::Completed);
        }
    }
}
