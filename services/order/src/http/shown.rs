//! An order as its caller sees it; the row has more.

use contracts::{Address, CancelReason, CustomerId, DeliveryId, Line, Money, News, OperationId, OrderId, PaymentId};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::order::{Order, Status};

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(super) struct OrderShown {
    id: OrderId,
    customer_id: CustomerId,
    status: Status,
    /// What was ordered: one line for each product.
    lines: Vec<Line>,
    /// Where it is delivered.
    address: Address,
    /// Its price, as soon as that is known.
    total: Option<Money>,
    payment_id: Option<PaymentId>,
    /// The wallet's operation that paid it.
    operation_id: Option<OperationId>,
    delivery_id: Option<DeliveryId>,
    /// Why it was cancelled.
    reason: Option<CancelReason>,
    /// The latest news that the customer was mailed; null also if there is nobody to mail.
    notified: Option<News>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Order> for OrderShown {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            customer_id: order.customer_id,
            status: order.status,
            lines: order.lines,
            address: order.address,
            total: order.total,
            payment_id: order.payment_id,
            operation_id: order.operation_id,
            delivery_id: order.delivery_id,
            reason: order.reason,
            notified: order.notified,
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}
