//! The messages that notify publishes.

use choreography::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{News, OrderId};

/// To order: the customer was notified, or there is no address to write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "customer-notified", key = order_id, role = event)]
pub struct CustomerNotified {
    /// The order.
    pub order_id: OrderId,
    /// The news.
    pub status: News,
    /// Whether a mail was sent. Earlier versions did not say so.
    #[serde(default = "yes")]
    pub mailed: bool,
    /// The address that it was sent to.
    #[serde(default)]
    pub email: Option<String>,
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_of_an_earlier_version_counts_as_a_mail() {
        let earlier = json!({"order_id": uuid::Uuid::from_u128(1), "status": "paid"});
        let message: CustomerNotified = serde_json::from_value(earlier).unwrap();
        assert_eq!((message.mailed, message.email), (true, None));
    }
}
