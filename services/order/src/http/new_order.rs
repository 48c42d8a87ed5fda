//! What is asked for when an order is opened or moved, and whether it makes sense.
//!
//! Everything that is wrong is said at once, each with its place.

use choreography_axum::{Problem, Wrong};
use contracts::{Address, Confirmation, CustomerId, Line, OrderId, Sku, Zone};
use lettre::Address as Email;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::customer::OpenOrder;

/// At most so many lines: they travel in one message, together with their order.
const LINES_MAX: usize = 100;
/// At most so many pieces on a line; who wants more should talk to us first.
const QUANTITY_MAX: u32 = 10_000;
/// The longest address, in characters: some lines of a label.
const ADDRESS_LENGTH_MAX: usize = 500;
/// The longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, without the brackets).
const EMAIL_BYTES_MAX: usize = 254;

/// What is ordered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    customer_id: CustomerId,
    /// Where the customer wants to be written to.
    email: Option<String>,
    /// 1 to 100 lines; those of one product add up.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<NewLine>,
    address: NewAddress,
    /// `manual` waits for the customer to confirm the payment.
    #[serde(default)]
    confirmation: Confirmation,
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

/// Where an order goes instead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    address: MoveTo,
}

/// What is not given stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveTo {
    pub(super) zone: Option<Zone>,
    /// Street, number and town.
    pub(super) line: Option<String>,
}

impl NewOrder {
    /// The command that opens it.
    pub(super) fn checked(self, order_id: OrderId) -> Result<OpenOrder, Problem> {
        let mut wrong = self.wrong_lines();
        wrong.extend(self.email.as_deref().and_then(wrong_email));
        wrong.extend(wrong_address(&self.address.line));
        if !wrong.is_empty() {
            return Err(Problem::invalid(wrong));
        }
        let Self { customer_id, email, lines, address: NewAddress { zone, line }, confirmation } = self;
        let lines = lines.into_iter().map(|NewLine { sku, quantity }| Line { sku, quantity }).collect();
        Ok(OpenOrder { order_id, customer_id, email, lines, address: Address { zone, line }, confirmation })
    }

    fn wrong_lines(&self) -> Vec<Wrong> {
        let count = self.lines.len();
        if !(1..=LINES_MAX).contains(&count) {
            return vec![Wrong::at("/lines", format!("an order has 1 to {LINES_MAX} lines, not {count}"))];
        }
        let wrong = self.lines.iter().enumerate().filter(|(_, line)| !(1..=QUANTITY_MAX).contains(&line.quantity));
        let say = |(place, line): (usize, &NewLine)| {
            let detail = format!("a line has 1 to {QUANTITY_MAX} pieces, not {}", line.quantity);
            Wrong::at(format!("/lines/{place}/quantity"), detail)
        };
        wrong.map(say).collect()
    }
}

impl Move {
    /// Where to.
    pub(super) fn checked(self) -> Result<MoveTo, Problem> {
        match self.address.line.as_deref().and_then(wrong_address) {
            Some(wrong) => Err(Problem::invalid(vec![wrong])),
            None => Ok(self.address),
        }
    }
}

/// What notify could not write to is refused here: both read it in the same way.
fn wrong_email(email: &str) -> Option<Wrong> {
    let good = email.len() <= EMAIL_BYTES_MAX && email.parse::<Email>().is_ok();
    (!good).then(|| Wrong::at("/email", "this is no e-mail address such as ada@example.com"))
}

fn wrong_address(line: &str) -> Option<Wrong> {
    let good = !line.trim().is_empty()
        && line.chars().count() <= ADDRESS_LENGTH_MAX
        && !line.chars().any(|letter| letter.is_control());
    let detail = || format!("an address has 1 to {ADDRESS_LENGTH_MAX} characters on one line");
    (!good).then(|| Wrong::at("/address/line", detail()))
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
    fn a_good_order_is_taken_as_it_is_and_is_manual_unless_it_says_otherwise() {
        let order = body(|_| ()).checked(crate::order::tests::id(1)).unwrap();
        assert_eq!(
            (order.lines, order.confirmation),
            (vec![crate::order::tests::line("tea", 2)], Confirmation::Manual)
        );
        let automatic = body(|body| body["confirmation"] = json!("automatic"));
        assert_eq!(automatic.checked(order.order_id).unwrap().confirmation, Confirmation::Automatic);
        let silent = body(|body| body["email"] = Value::Null);
        assert_eq!(silent.checked(order.order_id).unwrap().email, None);
    }

    #[test]
    fn whatever_is_wrong_is_named_with_its_place() {
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
        for (place, value) in cases {
            let order = body(|body| *body.pointer_mut(place).unwrap() = value.clone());
            let problem = order.checked(crate::order::tests::id(1)).unwrap_err();
            let wrong: Vec<_> = problem.errors.iter().map(|wrong| wrong.pointer.as_str()).collect();
            assert_eq!((problem.status, wrong), (422, vec![place]), "{value}");
        }
    }

    #[test]
    fn an_order_moves_to_a_line_that_can_be_written_on_a_label() {
        let moved = |line: Value| serde_json::from_value::<Move>(json!({"address": {"line": line}})).unwrap().checked();
        assert_eq!(moved(json!("2 Hill Road")).unwrap().line.as_deref(), Some("2 Hill Road"));
        assert_eq!(moved(Value::Null).unwrap().line, None);
        assert_eq!(moved(json!("")).unwrap_err().status, 422);
    }
}
