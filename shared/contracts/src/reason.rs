//! Why an order was cancelled. Each compensation passes the reason on to the next, so that the customer can be notified
//! of it.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why an order, its payment or its delivery was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    /// A product that is not in the catalogue.
    UnknownProduct,
    /// Fewer pieces on the shelf than were ordered.
    OutOfStock,
    /// Products whose prices are in different currencies.
    MixedCurrencies,
    /// A total that no amount of money can express.
    TotalTooLarge,
    /// The customer cancelled the payment.
    PaymentCancelled,
    /// Nobody confirmed the payment in time.
    PaymentExpired,
    /// The wallet has too little money.
    InsufficientFunds,
    /// The wallet did not answer in time.
    WalletUnreachable,
    /// No dealer of the zone has room.
    NoDealer,
    /// The customer cancelled the order.
    CustomerCancelled,
    /// The delivery was cancelled.
    DeliveryCancelled,
    /// The order could not be opened.
    NotOpened,
    /// A message of the order died; the reason is in its dead letter.
    Failed,
    /// A reason of a later version.
    #[serde(other)]
    Unknown,
}

impl CancelReason {
    /// Returns the reason as it is in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownProduct => "unknown-product",
            Self::OutOfStock => "out-of-stock",
            Self::MixedCurrencies => "mixed-currencies",
            Self::TotalTooLarge => "total-too-large",
            Self::PaymentCancelled => "payment-cancelled",
            Self::PaymentExpired => "payment-expired",
            Self::InsufficientFunds => "insufficient-funds",
            Self::WalletUnreachable => "wallet-unreachable",
            Self::NoDealer => "no-dealer",
            Self::CustomerCancelled => "customer-cancelled",
            Self::DeliveryCancelled => "delivery-cancelled",
            Self::NotOpened => "not-opened",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Returns a sentence for the customer.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::UnknownProduct => "We do not sell one of the products that you ordered.",
            Self::OutOfStock => "One of the products that you ordered is out of stock.",
            Self::MixedCurrencies => "The products have prices in different currencies: please order them separately.",
            Self::TotalTooLarge => "The order is larger than we can take.",
            Self::PaymentCancelled => "The payment was cancelled.",
            Self::PaymentExpired => "The payment was not confirmed in time.",
            Self::InsufficientFunds => "Your wallet has not enough money for the order.",
            Self::WalletUnreachable => "Your wallet could not be reached.",
            Self::NoDealer => "Nobody can deliver to your zone at the moment.",
            Self::CustomerCancelled => "You cancelled the order.",
            Self::DeliveryCancelled => "The delivery was cancelled.",
            Self::NotOpened => "We could not take the order.",
            Self::Failed | Self::Unknown => "Something went wrong on our side.",
        }
    }
}

impl Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_written_in_json_as_it_is_shown() {
        for reason in [
            CancelReason::UnknownProduct,
            CancelReason::OutOfStock,
            CancelReason::MixedCurrencies,
            CancelReason::TotalTooLarge,
            CancelReason::PaymentCancelled,
            CancelReason::PaymentExpired,
            CancelReason::InsufficientFunds,
            CancelReason::WalletUnreachable,
            CancelReason::NoDealer,
            CancelReason::CustomerCancelled,
            CancelReason::DeliveryCancelled,
            CancelReason::NotOpened,
            CancelReason::Failed,
            CancelReason::Unknown,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
            assert_eq!(serde_json::from_value::<CancelReason>(reason.as_str().into()).unwrap(), reason);
        }
    }

    #[test]
    fn a_reason_of_a_later_version_can_be_read() {
        assert_eq!(serde_json::from_value::<CancelReason>("moon-in-taurus".into()).unwrap(), CancelReason::Unknown);
    }
}
