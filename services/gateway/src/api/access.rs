//! Whether a caller may use a route for what its address names.
//!
//! What must hold: what belongs to another customer is not there for a customer, also not to be told apart from what
//! does not exist.

use std::time::Duration;

use axum::extract::RawPathParams;
use axum::http::StatusCode;
use choreography_axum::Problem;
use contracts::{CustomerId, DeliveryId, OrderId, PaymentId};
use tokio::time::sleep;

use super::exposed::Access;
use crate::gateway::Gateway;
use crate::identity::{Identity, Role};
use crate::orders::{Found, no_such_order};
use crate::upstreams::{Ask, Upstream};

/// How often an accepted order is looked for at order again, until it is opened there: that takes some tens of
/// milliseconds.
const LOOKS_MAX: u32 = 40;
/// The pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// After how many seconds a caller may try again with an order that is not opened yet.
const TRY_AGAIN_SECONDS: u32 = 1;

/// A request's address, as far as access depends on it.
pub(super) struct Address<'a> {
    pub(super) parameters: &'a RawPathParams,
    pub(super) query: &'a str,
}

impl Access {
    /// Returns the query with which the service is asked.
    pub(super) async fn check(
        self,
        gateway: &Gateway,
        identity: &Identity,
        address: Address<'_>,
    ) -> Result<String, Problem> {
        let query = address.query.to_owned();
        let is_operator = identity.role == Role::Operator;
        match self {
            Self::Everyone => Ok(query),
            Self::OfCustomer => address.query_of_customer(identity),
            Self::OfOrder if is_operator => Ok(query),
            Self::OfOrder => {
                let detail = "name the order: ?order_id=<id>";
                let order_id = address.queried("order_id").ok_or(Problem::bad_request("invalid-query", detail))?;
                gateway.require_opened(identity, read(&order_id)?, 1).await.map(|()| query)
            }
            Self::Operator if is_operator => Ok(query),
            Self::Operator => Err(operators_only()),
            Self::CustomerOfDemo if !gateway.demo && !is_operator => Err(operators_only()),
            Self::Customer | Self::CustomerOfDemo => {
                let customer_id = read::<CustomerId>(address.parameter())?;
                let not_there = || Problem::not_found(format!("there is no customer {customer_id}"));
                identity.reaches(customer_id).then_some(query).ok_or_else(not_there)
            }
            Self::Order => gateway.require_opened(identity, read(address.parameter())?, 1).await.map(|()| query),
            Self::FollowedOrder => {
                gateway.require_opened(identity, read(address.parameter())?, LOOKS_MAX).await.map(|()| query)
            }
            Self::Payment => gateway.require_payment(identity, read(address.parameter())?).await.map(|()| query),
            Self::Delivery => gateway.require_delivery(identity, read(address.parameter())?).await.map(|()| query),
        }
    }
}

impl Address<'_> {
    /// Returns the first parameter of the path, the id of what is asked for.
    fn parameter(&self) -> &str {
        self.parameters.iter().next().map(|(_, value)| value).unwrap_or_default()
    }

    fn queried(&self, name: &str) -> Option<String> {
        let mut parameters = self.query.split('&').filter_map(|parameter| parameter.split_once('='));
        parameters.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// Adds the customer whose list it is, unless an operator asks.
    fn query_of_customer(&self, identity: &Identity) -> Result<String, Problem> {
        match self.queried("customer_id") {
            _ if identity.role == Role::Operator => Ok(self.query.to_owned()),
            Some(customer_id) if identity.reaches(read(&customer_id)?) => Ok(self.query.to_owned()),
            Some(customer_id) => Err(Problem::not_found(format!("there is no customer {customer_id}"))),
            None if self.query.is_empty() => Ok(format!("customer_id={}", identity.customer_id)),
            None => Ok(format!("{}&customer_id={}", self.query, identity.customer_id)),
        }
    }
}

impl Gateway {
    /// Returns when order knows an order, and the caller may see it; after so many looks for it.
    pub(crate) async fn require_opened(
        &self,
        identity: &Identity,
        order_id: OrderId,
        looks: u32,
    ) -> Result<(), Problem> {
        for look in 1..=looks {
            match self.find_order(identity, order_id).await? {
                Found::Opened(_) => return Ok(()),
                Found::Accepted(order) | Found::Unreachable(order) if order.cancelled.is_some() => {
                    return Err(no_such_order(order_id));
                }
                Found::Accepted(_) | Found::Unreachable(_) if look < looks => sleep(LOOK_PAUSE).await,
                Found::Accepted(_) | Found::Unreachable(_) => (),
            }
        }
        let detail = format!("order {order_id} is accepted, and not opened yet: try again in a moment");
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "order-not-opened", detail).retry_after(TRY_AGAIN_SECONDS))
    }
}

impl Gateway {
    async fn require_payment(&self, identity: &Identity, id: PaymentId) -> Result<(), Problem> {
        let payment = self.upstreams.ask(Ask::get(Upstream::Payment, format!("/payments/{id}")).by(identity)).await?;
        let not_there = || Problem::not_found(format!("there is no payment {id}"));
        identity.reaches_owner(&payment).then_some(()).ok_or_else(not_there)
    }

    /// A delivery does not say whose it is: its order does.
    async fn require_delivery(&self, identity: &Identity, id: DeliveryId) -> Result<(), Problem> {
        let delivery =
            self.upstreams.ask(Ask::get(Upstream::Delivery, format!("/deliveries/{id}")).by(identity)).await?;
        let not_there = || Problem::not_found(format!("there is no delivery {id}"));
        let order_id = delivery["order_id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(not_there)?;
        let opened = self.require_opened(identity, order_id, 1).await;
        opened.map_err(|problem| if problem.status == 404 { not_there() } else { problem })
    }
}

fn read<T: std::str::FromStr<Err: std::fmt::Display>>(id: &str) -> Result<T, Problem> {
    id.parse().map_err(|error| Problem::bad_request("invalid-id", format!("{id:?} is no id: {error}")))
}

fn operators_only() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "operators-only", "this is for operators: the token has no role `operator`")
}
