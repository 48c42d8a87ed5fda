//! What notify says.

use serde::{Deserialize, Serialize};

use crate::macros::story_of_an_order;
use crate::{News, OrderId};

/// To order: the customer knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerNotified {
    /// The order.
    pub order_id: OrderId,
    /// What the customer was told.
    pub status: News,
}

story_of_an_order! {
    CustomerNotified => "customer-notified",
}
