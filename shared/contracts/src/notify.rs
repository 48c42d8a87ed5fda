//! What notify says.

use choreography::Message;
use serde::{Deserialize, Serialize};

use crate::{News, OrderId};

/// To order: the customer knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "customer-notified", key = order_id, role = event)]
pub struct CustomerNotified {
    /// The order.
    pub order_id: OrderId,
    /// What the customer was told.
    pub status: News,
}
