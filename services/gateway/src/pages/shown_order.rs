//! An order as the pages show it: from order, or from the gateway while order does not know it.

use choreography_axum::Problem;
use contracts::{CancelReason, Money, News, OrderId, PaymentId};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::moment::moment;
use super::number::thousands;
use super::product_names::Names;
use super::read::unreadable;
use super::session::Session;
use crate::gateway::Gateway;
use crate::orders::Found;

/// How many lines of an order are named in a few words.
const SUMMARY_LINES: usize = 3;

/// An order as the pages show it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ShownOrder {
    pub id: OrderId,
    pub status: Status,
    pub lines: Vec<Line>,
    pub address: super::profile_of::Address,
    pub total: Option<Money>,
    pub reason: Option<CancelReason>,
    pub payment_id: Option<PaymentId>,
    pub notified: Option<News>,
    pub created_at: Timestamp,
    /// Whether order does not respond, so that it is shown as it was accepted.
    #[serde(skip)]
    pub is_outdated: bool,
}

/// A product and how many pieces of it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    pub sku: String,
    pub quantity: u32,
    /// The product's name; none if the catalogue does not know it.
    #[serde(skip)]
    pub name: Option<String>,
}

impl Line {
    /// Returns what a customer calls the product.
    fn product(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.sku)
    }
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

    /// Returns its name, as order has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
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
        let found = gateway.find_order(&session.identity, id);
        let (found, names) = tokio::join!(found, gateway.product_names.get(gateway, session));
        let found = found?;
        let is_outdated = matches!(found, Found::Unreachable(_));
        let order: Self = serde_json::from_value(found.shown()).map_err(unreadable)?;
        Ok(Self { is_outdated, ..order.named(&names) })
    }

    /// Gives its products the names of the catalogue.
    pub(super) fn named(mut self, names: &Names) -> Self {
        self.lines.iter_mut().for_each(|line| line.name = names.get(&line.sku).cloned());
        self
    }

    /// Returns what was ordered in a few words.
    pub(super) fn summary(&self) -> String {
        let lines = self.lines.iter().map(|line| format!("{} × {}", thousands(line.quantity.into()), line.product()));
        let named: Vec<_> = lines.take(SUMMARY_LINES).collect();
        match self.lines.len() - named.len() {
            0 => named.join(", "),
            more => format!("{}, and {more} more", named.join(", ")),
        }
    }

    /// Returns what the order is made of, and where it goes.
    pub(super) fn facts(&self) -> Markup {
        html! {
            dl.facts {
                @for line in &self.lines {
                    div { dt { (line.product()) } dd { (thousands(line.quantity.into())) @if line.quantity == 1 { " piece" } @else { " pieces" } } }
                }
                @if let Some(total) = self.total { div.sum { dt { "Total" } dd { (total) } } }
            }
            dl.texts {
                div { dt { "To" } dd { (self.address.line) br; "Zone " (self.address.zone) } }
                div { dt { "Ordered" } dd { (moment(self.created_at)) } }
                div { dt { "Number" } dd.id { (self.id) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_long_order_is_told_in_a_few_words() {
        let order = |lines: usize| -> ShownOrder {
            let lines: Vec<_> = (0..lines).map(|_| json!({"sku": "tea", "quantity": 1_200})).collect();
            let id = uuid::Uuid::from_u128(1);
            let order = json!({
                "id": id, "status": "pending", "lines": lines, "address": {"zone": "north", "line": "1 Hill Road"},
                "total": null, "reason": null, "payment_id": null, "notified": "paid", "created_at": Timestamp::UNIX_EPOCH,
            });
            serde_json::from_value(order).unwrap()
        };
        assert_eq!(order(1).summary(), "1,200 × tea");
        assert_eq!(order(3).summary(), "1,200 × tea, 1,200 × tea, 1,200 × tea");
        assert_eq!(order(20).summary(), "1,200 × tea, 1,200 × tea, 1,200 × tea, and 17 more");
    }
}
