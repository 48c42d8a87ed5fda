//! The parts of a request's body that opens an order: at order itself, or at the gateway.
//!
//! What must hold: both are made of these parts, so that order refuses nothing for its form that the gateway accepted.

use contracts::{Address, AddressLine, Confirmation, Line, Sku, Zone};
use serde::Deserialize;
use utoipa::ToSchema;

/// The largest number of lines: they are in one message, together with their order.
const LINES_MAX: usize = 100;
/// The largest number of pieces on a line: more is probably a mistake.
const QUANTITY_MAX: u32 = 10_000;

/// Whether the payment waits for the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewConfirmation {
    /// It waits until the customer confirms it.
    #[default]
    Manual,
    /// It is confirmed as soon as it is created.
    Automatic,
}

impl From<NewConfirmation> for Confirmation {
    fn from(confirmation: NewConfirmation) -> Self {
        match confirmation {
            NewConfirmation::Manual => Self::Manual,
            NewConfirmation::Automatic => Self::Automatic,
        }
    }
}

/// A product and how many pieces of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The product.
    pub sku: Sku,
    /// How many pieces.
    #[schema(minimum = 1, maximum = 10_000)]
    pub quantity: u32,
}

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddress {
    /// The zone.
    pub zone: Zone,
    /// Street, number and town.
    pub line: AddressLine,
}

/// What is invalid in the content of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Where it is in the body, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Returns everything that is invalid in the lines of a body; nothing for an order that can be opened.
pub fn invalid_lines(lines: &[NewLine]) -> Vec<Invalid> {
    let count = lines.len();
    if !(1..=LINES_MAX).contains(&count) {
        let detail = format!("an order has 1 to {LINES_MAX} lines, not {count}");
        return vec![Invalid { pointer: "/lines".to_owned(), detail }];
    }
    let invalid = lines.iter().enumerate().filter(|(_, line)| !(1..=QUANTITY_MAX).contains(&line.quantity));
    let field = |(index, line): (usize, &NewLine)| Invalid {
        pointer: format!("/lines/{index}/quantity"),
        detail: format!("a line has 1 to {QUANTITY_MAX} pieces, not {}", line.quantity),
    };
    invalid.map(field).collect()
}

impl From<NewLine> for Line {
    fn from(NewLine { sku, quantity }: NewLine) -> Self {
        Self { sku, quantity }
    }
}

impl From<NewAddress> for Address {
    fn from(NewAddress { zone, line }: NewAddress) -> Self {
        Self { zone, line: line.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(quantity: u32) -> NewLine {
        NewLine { sku: "tea".parse().unwrap(), quantity }
    }

    #[test]
    fn every_invalid_line_is_named_by_its_pointer() {
        let cases = [
            (vec![], vec!["/lines"]),
            (vec![line(1); 101], vec!["/lines"]),
            (vec![line(1), line(0), line(10_001)], vec!["/lines/1/quantity", "/lines/2/quantity"]),
            (vec![line(10_000); 100], vec![]),
        ];
        for (lines, pointers) in cases {
            let invalid = invalid_lines(&lines);
            assert_eq!(invalid.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(), pointers);
        }
    }

    #[test]
    fn what_can_not_be_delivered_to_is_no_address() {
        let address = |line: &str| serde_json::from_value::<NewAddress>(json!({"zone": "north", "line": line}));
        assert!(address("1 Hill Road").is_ok());
        for bad in ["a\nb", "1 Hill\u{202e} Road", ""] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
        assert!(serde_json::from_value::<NewConfirmation>("perhaps".into()).is_err());
        assert_eq!(Confirmation::from(NewConfirmation::default()), Confirmation::Manual);
    }
}
