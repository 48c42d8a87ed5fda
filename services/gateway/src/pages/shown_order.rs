//! An order as the pages show it: from order, or from the gateway while order does not know it.

use choreography_axum::Problem;
use contracts::{CancelReason, Money, OrderId};
use jiff::Timestamp;
use serde::Deserialize;

use super::session::Session;
use crate::gateway::Gateway;

/// An order as the pages show it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ShownOrder {
    pub id: OrderId,
    pub status: Status,
    pub lines: Vec<Line>,
    pub address: super::profile_of::Address,
    pub total: Option<Money>,
    pub reason: Option<CancelReason>,
    pub notified: Option<String>,
    pub created_at: Timestamp,
}

/// A product and how many pieces of it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    pub sku: String,
    pub quantity: u32,
}

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Accepted,
    Pending,
    Confirmed,
    Completed,
    Cancelled,
}

impl Status {
    /// Returns what a customer reads.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Accepted => "Received",
            Self::Pending => "Waiting for payment",
            Self::Confirmed => "Paid",
            Self::Completed => "On its way",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Returns the class of its badge.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Accepted | Self::Pending | Self::Confirmed => "going",
            Self::Completed => "good",
            Self::Cancelled => "bad",
        }
    }
}

/// Returns why an order was cancelled, for its customer.
pub(super) fn because(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::UnknownProduct => "We do not sell this product any more.",
        CancelReason::OutOfStock => "There are too few pieces left.",
        CancelReason::MixedCurrencies => "The products are sold in different currencies.",
        CancelReason::TotalTooLarge => "The total is more than we can charge.",
        CancelReason::PaymentCancelled => "You decided not to pay.",
        CancelReason::PaymentExpired => "The payment was not made in time.",
        CancelReason::InsufficientFunds => "There is not enough money in your wallet.",
        CancelReason::WalletUnreachable => "Your wallet did not respond. Nothing was charged.",
        CancelReason::NoDealer => "Nobody delivers to this zone at the moment.",
        CancelReason::CustomerCancelled => "You cancelled the order.",
        CancelReason::DeliveryCancelled => "The delivery was cancelled.",
        CancelReason::NotOpened | CancelReason::Failed | CancelReason::Unknown => {
            "We could not carry out the order. It is our fault, and nothing is charged."
        }
    }
}

impl ShownOrder {
    /// Returns an order of who is signed in.
    ///
    /// # Errors
    /// 404 for an order that does not exist or is somebody else's.
    pub(super) async fn find(gateway: &Gateway, session: &Session, id: OrderId) -> Result<Self, Problem> {
        let order = gateway.find_order(&session.identity, id).await?.shown();
        serde_json::from_value(order).map_err(super::read::unreadable)
    }

    /// Returns what was ordered in a few words.
    pub(super) fn summary(&self) -> String {
        let lines = self.lines.iter().map(|line| format!("{} × {}", line.quantity, line.sku));
        lines.collect::<Vec<_>>().join(", ")
    }
}
