//! The messages that notify publishes.

use choreography::Message;
use serde::{Deserialize, Serialize};

use crate::{News, OrderId};

/// To order: the customer was notified, or has no mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "customer-notified", key = order_id, role = event)]
pub struct CustomerNotified {
    /// The order.
    pub order_id: OrderId,
    /// The news.
    pub status: News,
}
