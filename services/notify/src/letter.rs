//! What a customer is written when an order is paid, cancelled or completed: a letter that needs no knowledge of the shop.
//!
//! A letter depends on the news alone: written again, it is the same.

use std::fmt::Write as _;

use contracts::{News, OrderUpdated};
use lettre::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A letter, ready for an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// To whom.
    pub to: Address,
    /// What it is about.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Why there is nothing to send. It won't get better by trying again, so the customer counts as told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Skipped {
    /// The order says no address.
    NoAddress,
    /// What the order says is no address.
    BadAddress,
}

impl Letter {
    /// The letter that tells this news.
    ///
    /// # Errors
    /// Why there is nobody to send it to.
    pub fn about(news: &OrderUpdated) -> Result<Self, Skipped> {
        let address = news.email.as_deref().filter(|address| !address.is_empty()).ok_or(Skipped::NoAddress)?;
        let to = address.parse().map_err(|_| Skipped::BadAddress)?;
        Ok(Self { to, subject: subject(news), body: body(news) })
    }
}

/// What a letter is about; known also if it can't be sent.
pub fn subject(news: &OrderUpdated) -> String {
    let happened = match news.status {
        News::Paid => "is paid",
        News::Cancelled => "was cancelled",
        News::Completed => "is on its way",
    };
    format!("Your order {} {happened}", news.order_id)
}

fn body(news: &OrderUpdated) -> String {
    let mut body = format!("Hello,\n\n{}\n", opening(news));
    if !news.lines.is_empty() {
        body.push_str("\nYour order:\n");
    }
    for line in &news.lines {
        let _ = writeln!(body, "  {} x {}", line.quantity, line.sku);
    }
    if let Some(total) = news.total {
        let _ = writeln!(body, "  Total: {total}");
    }
    let _ = write!(body, "\nOrder number: {}\n\nYour shop\n", news.order_id);
    body
}

fn opening(news: &OrderUpdated) -> String {
    match news.status {
        News::Paid => {
            "thank you: we have received your payment. We are looking for somebody to bring you your order.".into()
        }
        News::Completed => "good news: a dealer has your order and brings it to you.".into(),
        News::Cancelled => {
            let reason = news.reason.map_or(String::new(), |reason| format!(" {}", reason.sentence()));
            format!(
                "your order was cancelled.{reason} You don't have to pay anything; what you have paid goes back to you."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::{CancelReason, Currency, Line, Money};

    use super::*;

    fn news(status: News) -> OrderUpdated {
        OrderUpdated {
            order_id: "0198c0de-0000-7000-8000-000000000001".parse().unwrap(),
            customer_id: "0198c0de-0000-7000-8000-000000000002".parse().unwrap(),
            email: Some("ada@example.com".into()),
            status,
            total: Some(Money::new(1400, Currency::EUR)),
            reason: None,
            lines: vec![line("tea", 2), line("mug", 1)],
        }
    }

    fn line(sku: &str, quantity: u32) -> Line {
        Line { sku: sku.parse().unwrap(), quantity }
    }

    #[test]
    fn each_news_has_its_letter() {
        let cancelled = |reason| OrderUpdated { reason: Some(reason), ..news(News::Cancelled) };
        let cases = [
            (news(News::Paid), "is paid", "we have received your payment"),
            (news(News::Completed), "is on its way", "a dealer has your order"),
            (news(News::Cancelled), "was cancelled", "your order was cancelled. You don't have to pay"),
            (cancelled(CancelReason::OutOfStock), "was cancelled", "is out of stock. You don't have to pay"),
            (cancelled(CancelReason::NoDealer), "was cancelled", "Nobody can deliver to your zone"),
            (cancelled(CancelReason::CustomerCancelled), "was cancelled", "You cancelled the order."),
        ];
        for (news, subject, text) in cases {
            let letter = Letter::about(&news).unwrap();
            assert_eq!(letter.subject, format!("Your order {} {subject}", news.order_id));
            assert!(letter.body.contains(text), "{text:?} is not in {}", letter.body);
        }
    }

    #[test]
    fn a_letter_lists_the_lines_and_the_total() {
        let letter = Letter::about(&news(News::Completed)).unwrap();
        let expected = "Hello,\n\ngood news: a dealer has your order and brings it to you.\n\nYour order:\n  2 x tea\n  \
                        1 x mug\n  Total: 14.00 EUR\n\nOrder number: 0198c0de-0000-7000-8000-000000000001\n\nYour shop\n";
        assert_eq!(letter.body, expected);
    }

    #[test]
    fn a_letter_says_nothing_of_what_is_not_known() {
        let bare = OrderUpdated { total: None, lines: Vec::new(), ..news(News::Cancelled) };
        let body = Letter::about(&bare).unwrap().body;
        assert!(!body.contains("Total") && !body.contains("Your order:"), "{body}");
    }

    #[test]
    fn what_is_no_address_gets_no_letter() {
        let cases = [
            (None, Some(Skipped::NoAddress)),
            (Some(""), Some(Skipped::NoAddress)),
            (Some("ada"), Some(Skipped::BadAddress)),
            (Some("ada@example.com\r\nBcc: eve@example.com"), Some(Skipped::BadAddress)),
            (Some("a@b@c"), Some(Skipped::BadAddress)),
            (Some("ada@example.com"), None),
            (Some("ada+shop@münchen.example"), None),
        ];
        for (email, expected) in cases {
            let news = OrderUpdated { email: email.map(str::to_owned), ..news(News::Paid) };
            assert_eq!(Letter::about(&news).err(), expected, "{email:?}");
        }
    }
}
