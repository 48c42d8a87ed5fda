//! Orders over HTTP at the gateway: places and shows them, also by the paths of a shop with one page for each order.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use choreography_axum::{Idempotent, Json, OptionalKey, Path, Problem, Stopping};
use contracts::OrderId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::prefer::Wait;
use super::{AcceptedShown, NewOrder};
use crate::gateway::Gateway;
use crate::identity::Identity;
use crate::upstreams::{Ask, Upstream};

/// Returns the routes of orders that the gateway answers itself.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(place_order))
        .routes(routes!(get_order))
        .routes(routes!(place_order_under_id, get_order_by_first_name))
        .routes(routes!(pay))
}

/// Places an order. It is accepted also while the order service is down, and opened as soon as that is up.
///
/// With `Prefer: wait=N` the response comes when the outcome is known, at most N seconds later: the end of an automatic
/// order, or the payment of a manual one. With an `idempotency-key`, an order that is sent again is accepted once.
#[utoipa::path(post, path = "/api/orders", request_body = NewOrder,
    params(OptionalKey, ("prefer" = Option<String>, Header, description = "`wait=N`: wait N seconds for the outcome, at most 8")),
    responses(
        (status = 201, description = "The order with its outcome, with `prefer: wait`", body = Object,
            headers(("location" = String, description = "The address of the order"), ("preference-applied" = String))),
        (status = 202, description = "The order is accepted; its location shows what becomes of it", body = AcceptedShown,
            headers(("location" = String, description = "The address of the order"))),
        (status = 409, description = "The first request with this key is still running", body = Problem),
        (status = 422, description = "The order's content is invalid, or the key was used before with another order", body = Problem),
        (status = 503, description = "No orders are taken at the moment: try again after `retry-after`", body = Problem),
    )
)]
async fn place_order(
    State(gateway): State<Gateway>,
    identity: Identity,
    wait: Wait,
    stopping: Stopping,
    new: Idempotent<NewOrder>,
) -> Result<Response, Problem> {
    let order_id = gateway.service.new_id();
    place(&gateway, &identity, order_id, (wait, stopping), new).await
}

/// Places an order under an id that the client has chosen, a UUID. Sent again, it is the same order.
#[utoipa::path(post, path = "/api/order/{id}", request_body = NewOrder,
    params(("id" = OrderId, Path), OptionalKey, ("prefer" = Option<String>, Header, description = "`wait=N`: wait N seconds for the outcome, at most 8")),
    responses(
        (status = 201, description = "The order with its outcome, with `prefer: wait`", body = Object,
            headers(("location" = String, description = "The address of the order"), ("preference-applied" = String))),
        (status = 202, description = "The order is accepted; its location shows what becomes of it", body = AcceptedShown,
            headers(("location" = String, description = "The address of the order"))),
        (status = 409, description = "Another order has this id, or the first request with this key is still running", body = Problem),
        (status = 422, description = "The order's content is invalid, or the key was used before with another order", body = Problem),
        (status = 503, description = "No orders are taken at the moment: try again after `retry-after`", body = Problem),
    )
)]
async fn place_order_under_id(
    State(gateway): State<Gateway>,
    identity: Identity,
    Path(order_id): Path<OrderId>,
    wait: Wait,
    stopping: Stopping,
    new: Idempotent<NewOrder>,
) -> Result<Response, Problem> {
    place(&gateway, &identity, order_id, (wait, stopping), new).await
}

async fn place(
    gateway: &Gateway,
    identity: &Identity,
    order_id: OrderId,
    (wait, stopping): (Wait, Stopping),
    new: Idempotent<NewOrder>,
) -> Result<Response, Problem> {
    let Idempotent { body, request } = new.by(|_| identity.customer_id);
    let accepted = gateway.accept(identity, order_id, body, request).await?;
    let (order_id, confirmation) = (accepted.order_id, accepted.confirmation);
    let location = [(header::LOCATION, format!("/api/orders/{order_id}"))];
    let outcome = wait.outcome(gateway, identity, order_id, confirmation, stopping).await;
    Ok(match (outcome, wait.applied()) {
        (Some(order), Some(applied)) => {
            (StatusCode::CREATED, location, [("preference-applied", applied)], Json(order)).into_response()
        }
        _ => (StatusCode::ACCEPTED, location, Json(AcceptedShown::from(accepted))).into_response(),
    })
}

/// Returns an order; `accepted` until the order service knows it.
#[utoipa::path(get, path = "/api/orders/{id}", params(("id" = OrderId, Path)), responses(
    (status = 200, body = Object),
    (status = 404, description = "The caller has no such order", body = Problem),
))]
async fn get_order(
    State(gateway): State<Gateway>,
    identity: Identity,
    Path(order_id): Path<OrderId>,
) -> Result<Json<Value>, Problem> {
    gateway.find_order(&identity, order_id).await.map(|order| Json(order.shown()))
}

/// Returns an order; `accepted` until the order service knows it.
#[utoipa::path(get, path = "/api/order/{id}", params(("id" = OrderId, Path)), responses(
    (status = 200, body = Object),
    (status = 404, description = "The caller has no such order", body = Problem),
))]
async fn get_order_by_first_name(
    gateway: State<Gateway>,
    identity: Identity,
    order_id: Path<OrderId>,
) -> Result<Json<Value>, Problem> {
    get_order(gateway, identity, order_id).await
}

/// The order that is paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pay {
    order_id: OrderId,
}

/// Pays an order from the caller's wallet. Paying again changes nothing.
#[utoipa::path(post, path = "/api/payment", request_body = Pay, responses(
    (status = 200, description = "The payment", body = Object),
    (status = 404, description = "The caller has no such order, or it has no payment yet", body = Problem),
    (status = 503, description = "The order is not opened yet: try again after `retry-after`", body = Problem),
    (status = 409, description = "The payment was cancelled or refused, or has expired", body = Problem),
))]
async fn pay(
    State(gateway): State<Gateway>,
    identity: Identity,
    Json(Pay { order_id }): Json<Pay>,
) -> Result<Json<Value>, Problem> {
    // Order has to know whose it is: an id that was only accepted here may be another customer's order there.
    gateway.require_opened(&identity, order_id, 1).await?;
    let confirm = Ask::post(Upstream::Payment, "/payments/confirm").json(&json!({ "order_id": order_id }));
    gateway.upstreams.ask(confirm.repeatable().by(&identity)).await.map(Json)
}
