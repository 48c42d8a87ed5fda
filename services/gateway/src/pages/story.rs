//! The story of an order: its messages, and what they mean to its customer.

use contracts::{CustomerNotified, News};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

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
    #[serde(default)]
    pub payload: Value,
}

/// Whether a service has published a message of this name.
pub(super) fn has(story: &[Told], publisher: &str, message: &str) -> bool {
    story.iter().any(|told| told.publisher == publisher && told.message == message)
}

/// Returns what notify did about the last news of an order: whether it mailed it; none if it did nothing yet.
pub(super) fn mailed(story: &[Told], news: News) -> Option<bool> {
    let notified = story.iter().filter_map(Told::notified).find(|notified| notified.status == news);
    notified.map(|notified| notified.mailed)
}

impl Told {
    fn notified(&self) -> Option<CustomerNotified> {
        (self.message == "customer-notified").then(|| serde_json::from_value(self.payload.clone()).ok()).flatten()
    }

    /// Whether it is news for a customer: that a mail is to be written is none, the mail is.
    pub(super) fn is_news(&self) -> bool {
        self.message != "order-updated" && self.notified().is_none_or(|notified| notified.mailed)
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
            "customer-notified" => match self.notified().map(|notified| notified.status) {
                Some(News::Paid) => "We wrote you that it is paid.",
                Some(News::Completed) => "We wrote you that it is on its way.",
                Some(News::Cancelled) => "We wrote you that it is cancelled.",
                Some(News::Unknown) | None => "We wrote you a mail.",
            },
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
