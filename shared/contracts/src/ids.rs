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
