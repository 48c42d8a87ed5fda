//! The story of an order: its messages, and what they mean to its customer.

use jiff::Timestamp;
use serde::Deserialize;

/// The messages of an order, which its live story names.
pub(super) const MESSAGES: &str = "create-order reserve-stock create-payment payment-created debit-wallet wallet-debited \
     debit-refused order-confirmed create-delivery delivery-assigned order-updated customer-notified cancel-order \
     cancel-payment cancel-delivery refund-wallet expire-payment retry-debit";

/// A message of an order's story.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Told {
    pub publisher: String,
    pub message: String,
    pub time: Timestamp,
}

/// Whether a service has published a message of this name.
pub(super) fn has(story: &[Told], publisher: &str, message: &str) -> bool {
    story.iter().any(|told| told.publisher == publisher && told.message == message)
}

impl Told {
    /// Whether it is news for a customer: that a mail is to be written is none, the mail is.
    pub(super) fn is_news(&self) -> bool {
        self.message != "order-updated"
    }

    /// Whether it takes something back.
    pub(super) fn is_back(&self) -> bool {
        self.message.starts_with("cancel-") || self.message == "refund-wallet"
    }

    /// Returns what happened, for a customer.
    pub(super) fn words(&self) -> &str {
        match self.message.as_str() {
            "create-order" => "We received your order.",
            "reserve-stock" => "We took it on, and ask for the products.",
            "create-payment" => "The products are reserved for you.",
            "payment-created" => "The payment is open.",
            "debit-wallet" => "We ask your wallet for the money.",
            "wallet-debited" => "Your wallet has paid.",
            "debit-refused" => "Your wallet has refused.",
            "order-confirmed" => "The payment is confirmed.",
            "create-delivery" => "We look for a dealer in your zone.",
            "delivery-assigned" => "A dealer has your order.",
            "customer-notified" => "We wrote you a mail.",
            "cancel-delivery" => "The delivery is called off.",
            "cancel-payment" => "The payment is taken back.",
            "refund-wallet" => "The money goes back into your wallet.",
            "cancel-order" => "The order is cancelled, and the products go back on the shelf.",
            "expire-payment" => "The time to pay is over.",
            "retry-debit" => "Your wallet did not respond: we ask again.",
            other => other,
        }
    }
}
