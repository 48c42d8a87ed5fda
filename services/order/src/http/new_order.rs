//! The bodies of requests that open or move an order, and their validation.
//!
//! What is invalid is reported with its JSON pointer; of the lines, everything at once.

use choreography_axum::{InvalidField, Problem};
use contracts::{AddressLine, CreateOrder, CustomerId, EmailAddress, Line, OrderId, Zone};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::new_order::{NewAddress, NewConfirmation, NewLine, invalid_lines};

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
    /// Returns what the order will be, or a 422 with all lines that are invalid.
    pub(super) fn checked(self, order_id: OrderId) -> Result<CreateOrder, Problem> {
        let invalid = invalid_lines(&self.lines);
        if !invalid.is_empty() {
            let invalid = invalid.into_iter().map(|field| InvalidField::at(field.pointer, field.detail));
            return Err(Problem::invalid(invalid.collect()));
        }
        let Self { customer_id, email, lines, address, confirmation } = self;
        Ok(CreateOrder {
            order_id,
            customer_id,
            email: email.map(String::from),
            lines: lines.into_iter().map(Line::from).collect(),
            address: address.into(),
            confirmation: confirmation.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::Confirmation;
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
        let order = body(|body| body["lines"][0]["quantity"] = json!(0));
        let problem = order.checked(crate::order::tests::id(1)).unwrap_err();
        let invalid: Vec<_> = problem.errors.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!((problem.status, invalid), (422, vec!["/lines/0/quantity"]));
    }

    #[test]
    fn what_can_not_be_written_to_or_read_is_no_part_of_an_order() {
        for (pointer, value) in [
            ("/email", json!("ada")),
            ("/email", json!("\"ada lovelace\"@example.com")),
            ("/address/line", json!("a\nb")),
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
