//! The form that places an order: its fields, and their check.
//!
//! What must hold: the chosen address is in the form itself, as it was shown: the profile may have changed since.

use choreography_axum::Problem;
use contracts::OrderId;
use maud::{Markup, html};
use order::new_order::{NewAddress, NewConfirmation, NewLine, invalid_lines};
use serde::Deserialize;

use super::address_form;
use super::field::{Wrong, said, wrong_id};
use super::products::Product;
use super::profile_of::Address;
use crate::orders::NewOrder;

/// The value of the choice for an address that is not in the profile.
const NEW: &str = "new";
/// The value of the choice for paying at once.
const AUTOMATIC: &str = "automatic";
/// The largest number of pieces.
const QUANTITY_MAX: u64 = 10_000;

/// What is written in the form.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Draft {
    /// The order's id, so that a form that is sent twice is one order.
    pub order_id: OrderId,
    pub sku: String,
    pub quantity: String,
    /// `new`, or an address as [`choice`] writes it.
    #[serde(default)]
    pub address: String,
    #[serde(default)]
    pub line: String,
    #[serde(default)]
    pub zone: String,
    #[serde(default)]
    pub confirmation: String,
}

/// Returns the value of the choice for an address: the name of a zone has no spaces.
fn choice(Address { zone, line }: &Address) -> String {
    format!("{zone} {line}")
}

impl Draft {
    /// Returns the order, or what is wrong with the form.
    ///
    /// # Errors
    /// The inner error: what is wrong. The outer one is a 400: the form is none of ours.
    pub(super) fn check(&self) -> Result<Result<NewOrder, Wrong>, Problem> {
        let mut wrong = Wrong::default();
        let sku = self.sku.parse();
        let sku = sku.map_err(|error| Problem::bad_request("order-unreadable", format!("the product: {error}")))?;
        let quantity = self.quantity.trim().replace(',', "").parse().unwrap_or_default();
        let lines = vec![NewLine { sku, quantity }];
        if !invalid_lines(&lines).is_empty() {
            wrong.add("quantity", format!("write a number from 1 to {QUANTITY_MAX}"));
        }
        let (line, zone) = match self.address.split_once(' ') {
            Some((zone, line)) => (line, zone),
            None => (self.line.as_str(), self.zone.as_str()),
        };
        let address = address_form::check(line, zone, &mut wrong);
        let confirmation = if self.is_automatic() { NewConfirmation::Automatic } else { NewConfirmation::Manual };
        Ok(match address {
            Some((line, zone)) if wrong.is_nothing() => {
                let address = NewAddress { zone, line };
                Ok(NewOrder { customer_id: None, email: None, lines, address, confirmation })
            }
            _ => Err(wrong),
        })
    }

    /// Whether it is paid as soon as its price is known.
    pub(super) fn is_automatic(&self) -> bool {
        self.confirmation == AUTOMATIC
    }

    /// Returns the form.
    pub(super) fn draw(&self, product: &Product, known: &[Address], wrong: &Wrong) -> Markup {
        html! {
            form.card.stack method="post" action="/orders" {
                input type="hidden" name="order_id" value=(self.order_id);
                input type="hidden" name="sku" value=(self.sku);
                (self.quantity(product, wrong))
                (self.addresses(known, wrong))
                (self.confirmation())
                div.actions {
                    button type="submit" { "Place the order" }
                    a.quiet href="/" { "Back to the products" }
                }
            }
        }
    }

    fn quantity(&self, product: &Product, wrong: &Wrong) -> Markup {
        let is_wrong = wrong.with("quantity").is_some();
        html! {
            div.field {
                label for="quantity" { "How many" }
                input #quantity name="quantity" type="number" min="1" max=(product.available.min(QUANTITY_MAX))
                    value=(self.quantity) required inputmode="numeric" autofocus[wrong.is_first("quantity")]
                    aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then(|| wrong_id("quantity"))];
                (said("quantity", wrong))
            }
        }
    }

    fn addresses(&self, known: &[Address], wrong: &Wrong) -> Markup {
        let chosen = known.iter().position(|address| choice(address) == self.address);
        let is_new = known.is_empty() || self.address == NEW;
        html! {
            fieldset {
                legend { "Where it goes" }
                @for (index, address) in known.iter().enumerate() {
                    label.choice {
                        input type="radio" name="address" value=(choice(address))
                            checked[!is_new && index == chosen.unwrap_or(0)];
                        span { (address.line) br; span.hint { "Zone " (address.zone) } }
                    }
                }
                @if !known.is_empty() {
                    label.choice {
                        input type="radio" name="address" value=(NEW) checked[is_new];
                        span { "Another address" }
                    }
                }
                (address_form::fields(&self.line, &self.zone, known.is_empty(), wrong))
            }
        }
    }

    fn confirmation(&self) -> Markup {
        let is_automatic = self.is_automatic();
        html! {
            fieldset {
                legend { "How you pay" }
                label.choice {
                    input type="radio" name="confirmation" value="manual" checked[!is_automatic];
                    span { "Look at the amount first" br; span.hint { "The order waits until you have paid." } }
                }
                label.choice {
                    input type="radio" name="confirmation" value=(AUTOMATIC) checked[is_automatic];
                    span { "At once, from your wallet" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(quantity: &str, address: &str, zone: &str) -> Draft {
        let [sku, line, zone] = ["tea", "1 Hill Road", zone].map(str::to_owned);
        let (quantity, address) = (quantity.to_owned(), address.to_owned());
        let order_id = uuid::Uuid::from_u128(1).into();
        Draft { order_id, sku, quantity, address, line, zone, confirmation: String::new() }
    }

    #[test]
    fn an_order_goes_to_the_address_that_was_shown_or_the_one_that_was_written() {
        let shown = choice(&Address { zone: "south".to_owned(), line: "7 Harbour Street".to_owned() });
        for (address, zone, line) in [(shown.as_str(), "south", "7 Harbour Street"), (NEW, "north", "1 Hill Road")] {
            let new = draft("2", address, "North").check().unwrap().unwrap();
            assert_eq!((new.address.zone.as_str(), new.address.line.as_str()), (zone, line));
            assert_eq!((new.lines[0].quantity, new.confirmation), (2, NewConfirmation::Manual));
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        for quantity in ["", "0", "10001", "-1", "two", "1.5"] {
            let wrong = draft(quantity, NEW, "no zone").check().unwrap().unwrap_err();
            assert!(wrong.is_first("quantity") && wrong.with("zone").is_some(), "{quantity:?}: {wrong:?}");
        }
    }
}
