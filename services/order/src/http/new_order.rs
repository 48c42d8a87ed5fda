//! The bodies of requests that open or move an order, and their validation.
//!
//! Everything that is invalid is reported at once, each field with its JSON pointer.

use choreography_axum::{InvalidField, Problem};
use contracts::{Address, Confirmation, CustomerId, Line, OrderId, Sku, Zone};
use lettre::Address as Email;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::customer::OpenOrder;

/// The largest number of lines: they are in one message, together with their order.
const LINES_MAX: usize = 100;
/// The largest number of pieces on a line: more is probably a mistake.
const QUANTITY_MAX: u32 = 10_000;
/// The longest address, in characters: a few lines of a label.
const ADDRESS_LENGTH_MAX: usize = 500;
/// The longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, without the brackets).
const EMAIL_BYTES_MAX: usize = 254;

/// The body of a request that opens an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    customer_id: CustomerId,
    /// The address that mails about the order go to.
    email: Option<String>,
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
    /// Street, number and town.
    line: String,
}

/// The body of a request that moves an order to another address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    address: MoveTo,
}

/// Another address. A field that is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveTo {
    pub(super) zone: Option<Zone>,
    /// Street, number and town.
    pub(super) line: Option<String>,
}

impl NewOrder {
    /// Returns the command that opens the order, or a 422 with everything that is invalid.
    pub(super) fn checked(self, order_id: OrderId) -> Result<OpenOrder, Problem> {
        let mut invalid = self.invalid_lines();
        invalid.extend(self.email.as_deref().and_then(invalid_email));
        invalid.extend(invalid_address(&self.address.line));
        if !invalid.is_empty() {
            return Err(Problem::invalid(invalid));
        }
        let Self { customer_id, email, lines, address: NewAddress { zone, line }, confirmation } = self;
        let lines = lines.into_iter().map(|NewLine { sku, quantity }| Line { sku, quantity }).collect();
        Ok(OpenOrder {
            order_id,
            customer_id,
            email,
            lines,
            address: Address { zone, line },
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

impl Move {
    /// Returns the other address, or a 422.
    pub(super) fn checked(self) -> Result<MoveTo, Problem> {
        match self.address.line.as_deref().and_then(invalid_address) {
            Some(invalid) => Err(Problem::invalid(vec![invalid])),
            None => Ok(self.address),
        }
    }
}

/// Returns why this is not an e-mail address, if it is not. Notify reads addresses in the same way, so it accepts the
/// same ones.
fn invalid_email(email: &str) -> Option<InvalidField> {
    let good = email.len() <= EMAIL_BYTES_MAX && email.parse::<Email>().is_ok();
    (!good).then(|| InvalidField::at("/email", "write an e-mail address such as ada@example.com"))
}

fn invalid_address(line: &str) -> Option<InvalidField> {
    let good =
        !line.trim().is_empty() && line.chars().count() <= ADDRESS_LENGTH_MAX && !line.chars().any(char::is_control);
    let detail = || format!("an address has 1 to {ADDRESS_LENGTH_MAX} characters on one line");
    (!good).then(|| InvalidField::at("/address/line", detail()))
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
    fn every_invalid_field_is_named_by_its_pointer() {
        let line = json!({"sku": "tea", "quantity": 1});
        let cases = [
            ("/lines", json!([])),
            ("/lines", json!(vec![line; 101])),
            ("/lines/0/quantity", json!(0)),
            ("/lines/0/quantity", json!(10_001)),
            ("/email", json!("ada")),
            ("/email", json!("ada@example.com\r\nbcc: all@example.com")),
            ("/address/line", json!("  ")),
            ("/address/line", json!("a\nb")),
            ("/address/line", json!("x".repeat(501))),
        ];
        for (pointer, value) in cases {
            let order = body(|body| *body.pointer_mut(pointer).unwrap() = value.clone());
            let problem = order.checked(crate::order::tests::id(1)).unwrap_err();
            let invalid: Vec<_> = problem.errors.iter().map(|field| field.pointer.as_str()).collect();
            assert_eq!((problem.status, invalid), (422, vec![pointer]), "{value}");
        }
    }

    #[test]
    fn an_order_moves_only_to_an_address_that_fits_on_a_label() {
        let moved = |line: Value| serde_json::from_value::<Move>(json!({"address": {"line": line}})).unwrap().checked();
        assert_eq!(moved(json!("2 Hill Road")).unwrap().line.as_deref(), Some("2 Hill Road"));
        assert_eq!(moved(Value::Null).unwrap().line, None);
        assert_eq!(moved(json!("")).unwrap_err().status, 422);
    }
}
