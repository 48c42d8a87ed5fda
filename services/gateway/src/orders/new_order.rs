//! The body of a request that places an order.

use choreography_axum::{InvalidField, Problem};
use contracts::{CreateOrder, CustomerId, EmailAddress, Line, OrderId};
use order::new_order::{NewAddress, NewConfirmation, NewLine, invalid_lines};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::identity::{Identity, Role};

/// The body of a request that places an order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Who orders: the caller, if it is left out. An operator may order for anybody.
    pub customer_id: Option<CustomerId>,
    /// The address that mails about the order go to.
    pub email: Option<EmailAddress>,
    /// 1 to 100 lines. Lines of one product are added up.
    #[schema(min_items = 1, max_items = 100)]
    pub lines: Vec<NewLine>,
    /// Where it goes.
    pub address: NewAddress,
    /// With `manual` the payment waits until the customer confirms it.
    #[serde(default)]
    pub confirmation: NewConfirmation,
}

impl NewOrder {
    /// Returns what order will be asked to open, or a 422 with everything that is invalid.
    pub(super) fn checked(self, order_id: OrderId, identity: &Identity) -> Result<CreateOrder, Problem> {
        let Self { customer_id, email, lines, address, confirmation } = self;
        let customer_id = customer_id.unwrap_or(identity.customer_id);
        let mut invalid: Vec<_> =
            invalid_lines(&lines).into_iter().map(|field| InvalidField::at(field.pointer, field.detail)).collect();
        if identity.role != Role::Operator && customer_id != identity.customer_id {
            invalid.push(InvalidField::at("/customer_id", "an order is in the name of the caller: leave it out"));
        }
        if !invalid.is_empty() {
            return Err(Problem::invalid(invalid));
        }
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
