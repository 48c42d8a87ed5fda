//! Order over HTTP: open an order, look at it, move it, cancel it, and read its story.

mod new_order;
mod shown;
mod story;

use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::post;
use choreography::Service;
use choreography_axum::{Caller, Json, Listing, Path, Problem, Query, page};
use contracts::{CustomerId, OrderId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::customer::{MoveOrder, WithdrawOrder};
use crate::order::{Order, Status};
use new_order::{Move, NewOrder};
use shown::OrderShown;

/// Everything that can be asked.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(open_order, list_orders))
        .route("/orders/create_order", post(open_order)) // another name for the same
        .routes(routes!(get_order, move_order))
        .routes(routes!(cancel_order))
        .routes(routes!(story::get_story))
        .routes(routes!(story::get_events))
}

/// Opens an order. With an `idempotency-key`, sent again it is opened once and the first answer comes back.
#[utoipa::path(post, path = "/orders", request_body = NewOrder,
    params(("idempotency-key" = Option<String>, Header)),
    responses(
        (status = 201, body = OrderShown, headers(("location" = String, description = "Where the order is"))),
        (status = 409, description = "The first request with this key is still running", body = Problem),
        (status = 413, description = "The order is too large", body = Problem),
        (status = 422, description = "Something is wrong with what was ordered, or the key was used before", body = Problem),
        (status = 503, description = "No order is taken at the moment: `retry-after` says when to come back", body = Problem),
    )
)]
async fn open_order(service: State, caller: Caller, new: Json<NewOrder>) -> Result<impl IntoResponse, Problem> {
    let request = caller.once(&new);
    let command = new.into_inner().checked(service.new_id())?;
    let order = service.execute_as(command, request).await?;
    let location = AppendHeaders([(header::LOCATION, format!("/orders/{}", order.id))]);
    Ok((StatusCode::CREATED, location, axum::Json(OrderShown::from(order))))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Only this customer's.
    customer_id: Option<CustomerId>,
    /// Only those that stand like this.
    status: Option<Status>,
    /// At most so many, up to 100.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<OrderId>,
}

/// Orders, the newest first.
#[utoipa::path(get, path = "/orders", params(Asked), responses((status = 200, body = Listing<OrderShown>)))]
async fn list_orders(service: State, Query(asked): Query<Asked>) -> Result<Answer<Listing<OrderShown>>, Problem> {
    let mut orders = service.list::<Order>(page(asked.limit, asked.cursor)?).descending();
    if let Some(customer_id) = asked.customer_id {
        orders = orders.with(Order::CUSTOMER, &customer_id);
    }
    if let Some(status) = asked.status {
        orders = orders.with(Order::STATUS, &status);
    }
    Ok(axum::Json(orders.get().await?.into()))
}

/// How an order stands.
#[utoipa::path(get, path = "/orders/{id}", params(("id" = OrderId, Path)), responses(
    (status = 200, body = OrderShown),
    (status = 404, description = "There is none", body = Problem),
))]
async fn get_order(service: State, Path(id): Path<OrderId>) -> Result<Answer<OrderShown>, Problem> {
    Ok(axum::Json(find(&service, id).await?.into()))
}

/// Sends the order elsewhere, while it is pending. What is not given stays.
#[utoipa::path(patch, path = "/orders/{id}", params(("id" = OrderId, Path)), request_body = Move, responses(
    (status = 200, body = OrderShown),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It is not pending any more", body = Problem),
))]
async fn move_order(
    service: State,
    Path(order_id): Path<OrderId>,
    caller: Caller,
    wanted: Json<Move>,
) -> Result<Answer<OrderShown>, Problem> {
    find(&service, order_id).await?;
    let address = wanted.into_inner().checked()?;
    let command = MoveOrder { order_id, zone: address.zone, line: address.line };
    Ok(axum::Json(service.execute_as(command, caller.request()).await?.into()))
}

/// Cancels the order at once; what was done for it is undone. Done twice, it is done.
#[utoipa::path(post, path = "/orders/{id}/cancel", params(("id" = OrderId, Path)), responses(
    (status = 200, body = OrderShown),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It is completed", body = Problem),
))]
async fn cancel_order(
    service: State,
    Path(order_id): Path<OrderId>,
    caller: Caller,
) -> Result<Answer<OrderShown>, Problem> {
    find(&service, order_id).await?;
    Ok(axum::Json(service.execute_as(WithdrawOrder { order_id }, caller.request()).await?.into()))
}

async fn find(service: &Service, id: OrderId) -> Result<Order, Problem> {
    let order = service.one(Order::ID, &id).await?;
    order.ok_or_else(|| Problem::not_found(format!("there is no order {id}")))
}

type State = axum::extract::State<Service>;
type Answer<T> = axum::Json<T>;
