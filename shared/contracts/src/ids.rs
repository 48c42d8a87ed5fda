//! Ids: UUIDs of version 7, so that they sort by the time at which they were made.

use crate::macros::id;

id! {
    /// An order. It is the key of every message in the order's story.
    OrderId
}
id! {
    /// A payment.
    PaymentId
}
id! {
    /// A delivery.
    DeliveryId
}
id! {
    /// A customer.
    CustomerId
}
id! {
    /// An operation of a wallet: one change of one balance.
    OperationId
}

impl OperationId {
    /// Returns the id of the operation that opens a customer's wallet with money. It derives from the customer's id, so
    /// that there is one at most; its version 8 sets it apart from all other operations, whose version is 7.
    pub fn of_opening(customer_id: CustomerId) -> Self {
        let mut bytes = *customer_id.0.as_bytes();
        bytes[6] = 0x80 | (bytes[6] & 0x0f);
        Self(uuid::Uuid::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_string_in_json_and_parses_its_own_text() {
        let text = "0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3";
        let id: OrderId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("{text:?}"));
        assert!("not-an-id".parse::<OrderId>().is_err());
    }
}
