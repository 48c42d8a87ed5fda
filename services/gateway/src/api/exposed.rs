//! What of each service is public, and for whom. The routes and the document follow from this table.

use axum::http::Method;

use crate::upstreams::Upstream;

/// A route of a service that is public.
#[derive(Debug)]
pub(super) struct Exposed {
    pub(super) upstream: Upstream,
    pub(super) method: Method,
    /// The path at the service; at the gateway it is under `/api`.
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// Whether a POST may be sent again: executed twice, it is as if executed once.
    pub(super) repeatable: bool,
}

/// Whom a route is for. An operator reaches everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody, also without a token.
    Everyone,
    /// Operators.
    Operator,
    /// The customer whose order is in the path.
    Order,
    /// The customer whose order is in the path, to follow its story; waits a moment for one that is accepted, and not
    /// opened yet.
    FollowedOrder,
    /// The customer whose payment is in the path.
    Payment,
    /// The customer whose order's delivery is in the path.
    Delivery,
    /// The customer in the path.
    Customer,
    /// The customer in the path in a demonstration, else operators.
    CustomerOfDemo,
    /// The customer whose order is in the query, as `order_id`.
    OfOrder,
    /// The customer in the query, as `customer_id`; it is added for customers.
    OfCustomer,
}

const fn read(upstream: Upstream, path: &'static str, access: Access) -> Exposed {
    Exposed { upstream, method: Method::GET, path, access, repeatable: true }
}

const fn write(upstream: Upstream, method: Method, path: &'static str, access: Access) -> Exposed {
    Exposed { upstream, method, path, access, repeatable: false }
}

/// A command that the service executes once, however often it is sent.
const fn command(upstream: Upstream, path: &'static str, access: Access) -> Exposed {
    Exposed { upstream, method: Method::POST, path, access, repeatable: true }
}

/// What is public.
pub(super) const EXPOSED: &[Exposed] = &[
    read(Upstream::Inventory, "/products", Access::Everyone),
    read(Upstream::Inventory, "/products/{sku}", Access::Everyone),
    write(Upstream::Inventory, Method::PUT, "/products/{sku}", Access::Operator),
    write(Upstream::Inventory, Method::POST, "/products/{sku}/stock", Access::Operator),
    read(Upstream::Order, "/orders", Access::OfCustomer),
    write(Upstream::Order, Method::PATCH, "/orders/{id}", Access::Order),
    command(Upstream::Order, "/orders/{id}/cancel", Access::Order),
    read(Upstream::Order, "/orders/{id}/story", Access::Order),
    read(Upstream::Order, "/orders/{id}/events", Access::FollowedOrder),
    read(Upstream::Payment, "/payments", Access::OfOrder),
    read(Upstream::Payment, "/payments/{id}", Access::Payment),
    command(Upstream::Payment, "/payments/{id}/confirm", Access::Payment),
    command(Upstream::Payment, "/payments/{id}/cancel", Access::Payment),
    read(Upstream::Wallet, "/wallets/{customer_id}", Access::Customer),
    write(Upstream::Wallet, Method::POST, "/wallets/{customer_id}/deposits", Access::CustomerOfDemo),
    read(Upstream::Wallet, "/wallets/{customer_id}/operations", Access::Customer),
    read(Upstream::Delivery, "/deliveries", Access::OfOrder),
    read(Upstream::Delivery, "/deliveries/{id}", Access::Delivery),
    write(Upstream::Delivery, Method::POST, "/deliveries/{id}/complete", Access::Operator),
    read(Upstream::Delivery, "/dealers", Access::Operator),
    write(Upstream::Delivery, Method::POST, "/dealers", Access::Operator),
    read(Upstream::Notify, "/notifications", Access::OfOrder),
    read(Upstream::Customer, "/customers", Access::Operator),
    read(Upstream::Customer, "/customers/{id}", Access::Customer),
    write(Upstream::Customer, Method::PUT, "/customers/{id}", Access::Customer),
];
