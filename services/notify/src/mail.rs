//! The mails that customers get when an order is paid, cancelled or completed.
//!
//! A mail depends on the news and on how its customer is reached: written again, it is the same unless the customer
//! changed name or address meanwhile.

use std::fmt::Write as _;

use contracts::{Contact, News, OrderUpdated};
use lettre::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A mail that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The recipient.
    pub to: Address,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Why there is no mail to send. Trying again would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Skipped {
    /// Neither the order nor its customer's profile has an address.
    NoAddress,
    /// The address can't be read.
    BadAddress,
    /// News of a later version, for which there is no mail.
    UnknownNews,
    /// The customer was mailed later news, after which this is not true any more.
    Outdated,
}

impl Mail {
    /// Returns the mail that brings this news to a customer who is reached like this, if that is known. It goes to the
    /// order's address if the order has one, else to that of the profile.
    ///
    /// # Errors
    /// Why there is none: nobody to send it to, or nothing to tell.
    pub fn about(news: &OrderUpdated, contact: Option<&Contact>) -> Result<Self, Skipped> {
        if news.status == News::Unknown {
            return Err(Skipped::UnknownNews);
        }
        let of_profile = contact.and_then(|contact| contact.email.as_deref());
        let address = address_of_order(news).or(of_profile).ok_or(Skipped::NoAddress)?;
        let to = address.parse().map_err(|_| Skipped::BadAddress)?;
        Ok(Self { to, subject: subject(news), body: body(news, contact) })
    }
}

/// Returns the address that the order itself has.
pub(crate) fn address_of_order(news: &OrderUpdated) -> Option<&str> {
    news.email.as_deref().filter(|address| !address.is_empty())
}

/// Returns the subject of the mail that brings this news, also of one that can't be sent.
pub fn subject(news: &OrderUpdated) -> String {
    let happened = match news.status {
        News::Paid => "is paid",
        News::Cancelled => "was cancelled",
        News::Completed => "is on its way",
        News::Unknown => "has changed",
    };
    format!("Your order {} {happened}", news.order_id)
}

fn body(news: &OrderUpdated, contact: Option<&Contact>) -> String {
    let name = contact.map_or(String::new(), |contact| format!(" {}", contact.name));
    let mut body = format!("Hello{name},\n\n{}\n", opening(news));
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
        News::Unknown => "your order has changed.".into(),
        News::Cancelled => {
            let reason = news.reason.map_or(String::new(), |reason| format!(" {}", reason.sentence()));
            format!(
                "your order was cancelled.{reason} You don't have to pay anything; anything that was paid goes back to you."
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
    fn each_kind_of_news_has_a_mail_of_its_own() {
        let cancelled = |reason| OrderUpdated { reason: Some(reason), ..news(News::Cancelled) };
        let cases = [
            (news(News::Paid), "is paid", "we have received your payment"),
            (news(News::Completed), "is on its way", "a dealer has your order"),
            (news(News::Cancelled), "was cancelled", "your order was cancelled. You don't have to pay"),
            (cancelled(CancelReason::OutOfStock), "was cancelled", "is out of stock. You don't have to pay"),
            (cancelled(CancelReason::NoDealer), "was cancelled", "Nobody can deliver to your zone"),
            (cancelled(CancelReason::CustomerCancelled), "was cancelled", "You cancelled the order."),
            (cancelled(CancelReason::NotOpened), "was cancelled", "could not take the order. You don't have to pay"),
            (
                cancelled(CancelReason::WalletUnreachable),
                "was cancelled",
                "could not be reached. You don't have to pay",
            ),
        ];
        for (news, subject, text) in cases {
            let mail = Mail::about(&news, None).unwrap();
            assert_eq!(mail.subject, format!("Your order {} {subject}", news.order_id));
            assert!(mail.body.contains(text), "{text:?} is not in {}", mail.body);
        }
    }

    #[test]
    fn a_mail_lists_the_lines_and_the_total() {
        let mail = Mail::about(&news(News::Completed), None).unwrap();
        let expected = "Hello,\n\ngood news: a dealer has your order and brings it to you.\n\nYour order:\n  2 x tea\n  \
                        1 x mug\n  Total: 14.00 EUR\n\nOrder number: 0198c0de-0000-7000-8000-000000000001\n\nYour shop\n";
        assert_eq!(mail.body, expected);
    }

    #[test]
    fn a_total_has_the_decimals_of_its_currency() {
        for (currency, total) in [("JPY", "Total: 1,400 JPY\n"), ("KWD", "Total: 1.400 KWD\n")] {
            let total_in = Some(Money::new(1400, currency.parse().unwrap()));
            let body = Mail::about(&OrderUpdated { total: total_in, ..news(News::Paid) }, None).unwrap().body;
            assert!(body.contains(total), "{body}");
        }
    }

    #[test]
    fn a_mail_leaves_out_what_is_not_known() {
        let bare = OrderUpdated { total: None, lines: Vec::new(), ..news(News::Cancelled) };
        let body = Mail::about(&bare, None).unwrap().body;
        assert!(!body.contains("Total") && !body.contains("Your order:"), "{body}");
    }

    #[test]
    fn an_address_that_can_not_be_read_gets_no_mail() {
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
            assert_eq!(Mail::about(&news, None).err(), expected, "{email:?}");
        }
    }

    #[test]
    fn a_mail_goes_to_the_orders_own_address_or_else_to_the_profiles_and_greets_by_name() {
        let contact = |email: Option<&str>| Contact { name: "Ada Lovelace".into(), email: email.map(str::to_owned) };
        let (own, of_profile) = (Some("ada@work.example"), Some("ada@home.example"));
        let cases = [
            (own, None, Ok("ada@work.example"), "Hello,\n"),
            (own, Some(contact(None)), Ok("ada@work.example"), "Hello Ada Lovelace,\n"),
            (own, Some(contact(of_profile)), Ok("ada@work.example"), "Hello Ada Lovelace,\n"),
            (None, Some(contact(of_profile)), Ok("ada@home.example"), "Hello Ada Lovelace,\n"),
            (None, Some(contact(None)), Err(Skipped::NoAddress), ""),
            (None, Some(contact(Some("ada"))), Err(Skipped::BadAddress), ""),
            (None, None, Err(Skipped::NoAddress), ""),
        ];
        for (email, contact, to, greeting) in cases {
            let news = OrderUpdated { email: email.map(str::to_owned), ..news(News::Paid) };
            let mail = Mail::about(&news, contact.as_ref());
            assert!(mail.as_ref().map_or("", |mail| mail.body.as_str()).starts_with(greeting), "{mail:?}");
            assert_eq!(mail.map(|mail| mail.to.to_string()), to.map(str::to_owned), "{email:?}, {contact:?}");
        }
    }
}
