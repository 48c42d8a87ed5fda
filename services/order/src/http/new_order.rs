//! The bodies of requests that open or move an order, and their validation.
//!
//! What is invalid is reported with its JSON pointer; of the lines, everything at once.

use choreography_axum::{InvalidField, Problem};
use contracts::{Address, AddressLine, Confirmation, CustomerId, EmailAddress, Line, OrderId, Sku, Zone};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::customer::OpenOrder;

/// The largest number of lines: they are in one message, together with their order.
const LINES_MAX: usize = 100;
/// The largest number of pieces on a line: more is probably a mistake.
const QUANTITY_MAX: u32 = 10_000;

/// The body of a request that opens an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    pub(super) customer_id: CustomerId,
    /// The address that mails about the order go to.
    email: Option<EmailAddress>,
    /// 1 to 100 lines. Lines of one product are added up.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<NewLine>,
    address: NewAddress,
    /// With `manual` the payment waits until the customer confirms it.
    #[serde(default)]
    confirmation: NewConfirmation,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum NewConfirmation {
    #[default]
    Manual,
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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLine {
    sku: Sku,
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: u32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAddress {
    zone: Zone,
    line: AddressLine,
}

/// The body of a request that moves an order to another address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    pub(super) address: MoveTo,
}

/// Another address. A field that is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveTo {
    pub(super) zone: Option<Zone>,
    pub(super) line: Option<AddressLine>,
}

impl NewOrder {
    /// Returns the command that opens the order, or a 422 with all lines that are invalid.
    pub(super) fn checked(self, order_id: OrderId) -> Result<OpenOrder, Problem> {
        let invalid = self.invalid_lines();
        if !invalid.is_empty() {
            return Err(Problem::invalid(invalid));
        }
        let Self { customer_id, email, lines, address: NewAddress { zone, line }, confirmation } = self;
        let lines = lines.into_iter().map(|NewLine { sku, quantity }| Line { sku, quantity }).collect();
        Ok(OpenOrder {
            order_id,
            customer_id,
            email: email.map(String::from),
            lines,
            address: Address { zone, line: line.into() },
            confirmation: confirmation.into(),
        })
    }

    fn invalid_lines(&self) -> Vec<InvalidField> {
        let count = self.lines.len();
        if !(1..=LINES_MAX).contains(&count) {
            return vec![InvalidField::at("/lines", format!("an order has 1 to {LINES_MAX} lines, not {count}"))];
        }
        let invalid = self.lines.iter().enumerate().filter(|(_, line)| !(1..=QUANTITY_MAX).contains(&line.quantity));
        let field = |(index, line): (usize, &NewLine)| {
            let detail = format!("a line has 1 to {QUANTITY_MAX} pieces, not {}", line.quantity);
            InvalidField::at(format!("/lines/{index}/quantity"), detail)
        };
        invalid.map(field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn body(change: impl Fn(&mut Value)) -> NewOrder {
        let mut body = json!({
            "customer_id": "0198c0de-0000-7000-8000-000000000001",
            "email": "ada@example.com",
            "lines": [{"sku": "tea", "quantity": 2}],
            "address": {"zone": "north", "line": "1 Hill Road"},
        });
        change(&mut body);
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn a_valid_order_keeps_its_content_and_is_manual_by_default() {
        let order = body(|_| ()).checked(crate::order::tests::id(1)).unwrap();
        assert_eq!(
            (order.lines, order.confirmation),
            (vec![crate::order::tests::line("tea", 2)], Confirmation::Manual)
        );
        let automatic = body(|body| body["confirmation"] = json!("automatic"));
        assert_eq!(automatic.checked(order.order_id).unwrap().confirmation, Confirmation::Automatic);
        let without_email = body(|body| body["email"] = Value::Null);
        assert_eq!(without_email.checked(order.order_id).unwrap().email, None);
    }

    #[test]
    fn every_invalid_line_is_named_by_its_pointer() {
        let line = json!({"sku": "tea", "quantity": 1});
        let cases = [
            ("/lines", json!([])),
            ("/lines", json!(vec![line; 101])),
            ("/lines/0/quantity", json!(0)),
            ("/lines/0/quantity", json!(10_001)),
        ];
        for (pointer, value) in cases {
            let order = body(|body| *body.pointer_mut(pointer).unwrap() = value.clone());
            let problem = order.checked(crate::order::tests::id(1)).unwrap_err();
            let invalid: Vec<_> = problem.errors.iter().map(|field| field.pointer.as_str()).collect();
            assert_eq!((problem.status, invalid), (422, vec![pointer]), "{value}");
        }
    }

    #[test]
    fn what_can_not_be_written_to_or_read_is_no_part_of_an_order() {
        for (pointer, value) in [
            ("/email", json!("ada")),
            ("/email", json!("\"ada lovelace\"@example.com")),
            ("/address/line", json!("a\nb")),
            ("/address/line", json!("1 Hill\u{202e} Road")),
            ("/confirmation", json!("perhaps")),
        ] {
            let mut order = json!({
                "customer_id": "0198c0de-0000-7000-8000-000000000001", "email": null, "confirmation": "manual",
                "lines": [{"sku": "tea", "quantity": 2}], "address": {"zone": "north", "line": "1 Hill Road"},
            });
            assert!(serde_json::from_value::<NewOrder>(order.clone()).is_ok());
            *order.pointer_mut(pointer).unwrap() = value;
            assert!(serde_json::from_value::<NewOrder>(order.clone()).is_err(), "{order}");
        }
    }
}
