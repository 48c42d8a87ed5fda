//! Orders at the gateway: accepts them while order is down, and shows them, from order or as they were accepted.

mod accepted;
mod http;
mod new_order;
mod prefer;
mod shown;

use choreography::Request;
use choreography_axum::Problem;
use contracts::OrderId;
use serde_json::Value;

pub use accepted::{AcceptOrder, AcceptedOrder};
pub(crate) use accepted::{accept_order, cancel_accepted};
pub(crate) use http::routes;
pub use new_order::NewOrder;
pub use shown::AcceptedShown;

use crate::gateway::Gateway;
use crate::identity::Identity;
use crate::upstreams::{Ask, Upstream};

/// An order, where it is known.
#[derive(Debug, Clone)]
pub enum Found {
    /// Order knows it; as it shows it.
    Opened(Value),
    /// Only the gateway knows it.
    Accepted(Box<AcceptedOrder>),
    /// Order does not respond: what became of it since it was accepted is not known at the moment.
    Unreachable(Box<AcceptedOrder>),
}

impl Found {
    /// Returns the order as its customer sees it.
    pub fn shown(self) -> Value {
        match self {
            Self::Opened(order) => order,
            Self::Accepted(order) | Self::Unreachable(order) => AcceptedShown::from(*order).to_json(),
        }
    }
}

impl Gateway {
    /// Accepts an order under this id, in the caller's name.
    ///
    /// # Errors
    /// 422 for an invalid order, 409 for an id that another order has, 503 while no orders are accepted.
    pub async fn accept(
        &self,
        identity: &Identity,
        order_id: OrderId,
        new: NewOrder,
        request: Request,
    ) -> Result<AcceptedOrder, Problem> {
        Ok(self.service.execute_as(AcceptOrder { create: new.checked(order_id, identity)? }, request).await?)
    }

    /// Returns an order that the caller may see: as order shows it, or as it was accepted while order does not know it
    /// yet or does not respond.
    ///
    /// # Errors
    /// 404 for an order that does not exist or is another customer's, 502 or 503 if order does not respond.
    pub async fn find_order(&self, identity: &Identity, order_id: OrderId) -> Result<Found, Problem> {
        let ask = Ask::get(Upstream::Order, format!("/orders/{order_id}")).by(identity);
        let unknown = match self.upstreams.ask(ask).await {
            Ok(order) if identity.reaches_owner(&order) => return Ok(Found::Opened(order)),
            Ok(_) => return Err(no_such_order(order_id)),
            Err(problem) if [404, 502, 503].contains(&problem.status) => problem,
            Err(problem) => return Err(problem),
        };
        match self.service.get::<AcceptedOrder>(&order_id).await? {
            Some(order) if identity.reaches(order.customer_id) => {
                let order = Box::new(order);
                Ok(if unknown.status == 404 { Found::Accepted(order) } else { Found::Unreachable(order) })
            }
            None if unknown.status != 404 => Err(unknown),
            _ => Err(no_such_order(order_id)),
        }
    }
}

/// Makes the 404 of an order that does not exist, or that the caller may not know to exist.
pub(crate) fn no_such_order(order_id: OrderId) -> Problem {
    Problem::not_found(format!("there is no order {order_id}"))
}
