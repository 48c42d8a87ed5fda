//! A payment: `pending → processing → confirmed → refunded`, or from `pending` to `cancelled` or `expired`, or from
//! `processing` to `cancelled` or `refused`.
//!
//! What must hold: only a `processing` or `confirmed` payment may hold money, and a payment that ends cancels its order
//! once, and has the wallet give back what it may have taken.

use choreography::{Column, Message, Row, Scheduled};
use contracts::{
    CancelOrder, CancelReason, CreatePayment, CustomerId, DebitWallet, ExpirePayment, Money, OperationId, OrderId,
    PaymentId, RefundWallet, RetryDebit,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::settings::Patience;

/// The state of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits for the customer.
    Pending,
    /// The customer has confirmed it, and it waits for the wallet.
    Processing,
    /// The wallet has taken the money.
    Confirmed,
    /// The money was refunded.
    Refunded,
    /// It was cancelled before it was confirmed, or even before it was opened.
    Cancelled,
    /// The wallet has refused it.
    Refused,
    /// Nobody confirmed it in time.
    Expired,
}

/// An order's payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "payment", key = OrderId, final = has_ended)]
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
    /// The wallet's operation that takes the money, as soon as that is requested; null again if the wallet has refused.
    #[serde(default)]
    pub operation_id: Option<OperationId>,
    /// How often the money was requested.
    #[serde(default)]
    pub debit_attempts: u32,
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

/// What is published when the money is requested: the request, and the look whether there is an answer.
pub(crate) type Requested = (DebitWallet, Scheduled<RetryDebit>);

/// What is published when a payment ends: the compensations, and the scheduled messages that are not needed any more.
pub(crate) type Ended =
    (CancelOrder, Option<RefundWallet>, Option<Scheduled<ExpirePayment>>, Option<Scheduled<RetryDebit>>);

impl Payment {
    /// The column of its id.
    pub const ID: Column<Self, PaymentId> = Column::new("id");
    /// The column of its order.
    pub const ORDER: Column<Self, OrderId> = Column::new("key");

    /// Returns a payment that waits for the customer.
    pub fn pending(id: PaymentId, request: &CreatePayment, now: Timestamp) -> Self {
        let (amount, customer_id) = (Some(request.amount), Some(request.customer_id));
        Self { amount, customer_id, ..Self::without_amount(id, request.order_id, Status::Pending, now) }
    }

    /// Returns the tombstone of a payment that was cancelled before it was opened.
    pub fn never_opened(id: PaymentId, order_id: OrderId, reason: CancelReason, now: Timestamp) -> Self {
        Self { reason: Some(reason), ..Self::without_amount(id, order_id, Status::Cancelled, now) }
    }

    fn without_amount(id: PaymentId, order_id: OrderId, status: Status, now: Timestamp) -> Self {
        Self {
            id,
            order_id,
            status,
            amount: None,
            customer_id: None,
            operation_id: None,
            debit_attempts: 0,
            deadline: None,
            reason: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Begins to wait for the wallet, and returns the request for the money; none in a tombstone, which has no amount.
    pub fn process(&mut self, operation: OperationId, patience: &Patience, now: Timestamp) -> Option<Requested> {
        (self.status, self.operation_id) = (Status::Processing, Some(operation));
        self.request_money(patience, now)
    }

    /// Requests the money, or requests it again: the wallet books the same operation once.
    pub fn request_money(&mut self, patience: &Patience, now: Timestamp) -> Option<Requested> {
        let (operation_id, customer_id, amount) = (self.operation_id?, self.customer_id?, self.amount?);
        (self.debit_attempts, self.updated_at) = (self.debit_attempts + 1, now);
        let (order_id, attempts) = (self.order_id, self.debit_attempts);
        let retry = RetryDebit { order_id, attempts }.after(patience.debit_wait(attempts));
        Some((DebitWallet { order_id, operation_id, customer_id, amount }, retry))
    }

    /// Whether nothing becomes of it any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.status, Status::Refunded | Status::Cancelled | Status::Refused | Status::Expired)
    }

    /// Whether the wallet's answer still counts.
    pub fn takes_answer(&self) -> bool {
        matches!(self.status, Status::Pending | Status::Processing)
    }

    /// Ends it, and returns what follows: the compensation of an order whose goods are not gone, and a refund of what the
    /// wallet has taken or may still take.
    pub fn end(&mut self, status: Status, reason: CancelReason, refund: OperationId, now: Timestamp) -> Ended {
        let before = self.status;
        (self.status, self.reason, self.updated_at) = (status, Some(reason), now);
        let order_id = self.order_id;
        let may_hold_money = matches!(before, Status::Processing | Status::Confirmed) && status != Status::Refused;
        let refund = may_hold_money.then_some(RefundWallet { order_id, operation_id: refund, reason });
        let expiry = (before == Status::Pending).then(|| self.expiry().cancel());
        let retry = (before == Status::Processing).then(|| self.retry().cancel());
        (CancelOrder { order_id, reason, goods_gone: false }, refund, expiry, retry)
    }

    /// Returns the message that is scheduled for its deadline.
    pub fn expiry(&self) -> ExpirePayment {
        ExpirePayment { order_id: self.order_id }
    }

    /// Returns the message that is scheduled for the wallet's answer.
    pub fn retry(&self) -> RetryDebit {
        RetryDebit { order_id: self.order_id, attempts: self.debit_attempts }
    }
}
