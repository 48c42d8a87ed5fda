//! Order over HTTP: opens, shows, moves and cancels orders, and shows their stories.

pub mod followers;
mod new_order;
mod shown;
mod story;

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::map_request;
use axum::response::IntoResponse;
use axum::routing::post;
use choreography::Service;
use choreography_axum::{Caller, Idempotent, Json, Listing, OptionalKey, Paged, Paging, Path, Problem, find};
use contracts::{CustomerId, OrderId};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::customer::{MoveOrder, OpenOrder, WithdrawOrder};
use crate::order::{Order, Status};
use new_order::{Move, MoveTo, NewOrder};
use shown::OrderShown;

/// Returns the routes of order.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(open_order, list_orders))
        .route("/orders/create_order", post(open_order).layer(map_request(under_first_name)))
        .routes(routes!(get_order, move_order))
        .routes(routes!(cancel_order))
        .routes(routes!(story::get_story))
        .routes(routes!(story::get_events))
}

/// Gives a request to another name of `POST /orders` the first name, so that an idempotency key counts for both.
async fn under_first_name(mut request: Request) -> Request {
    *request.uri_mut() = Uri::from_static("/orders");
    request
}

/// Opens an order. With an `idempotency-key`, an order that is sent again is opened once, and the first reply comes
/// back.
#[utoipa::path(post, path = "/orders", request_body = NewOrder,
    params(OptionalKey),
    responses(
        (status = 201, body = OrderShown, headers(("location" = String, description = "The address of the order"))),
        (status = 409, description = "The first request with this key is still running", body = Problem),
        (status = 413, description = "The order is too large", body = Problem),
        (status = 422, description = "The order's content is invalid, or the key was used before with another order", body = Problem),
        (status = 503, description = "No orders are taken at the moment: try again after `retry-after`", body = Problem),
    )
)]
async fn open_order(State(service): State<Service>, new: Idempotent<NewOrder>) -> Result<impl IntoResponse, Problem> {
    let Idempotent { body, request } = new.by(|order| order.customer_id);
    let order = service.execute_as(OpenOrder { create: body.checked(service.new_id())? }, request).await?;
    let location = [(header::LOCATION, format!("/orders/{}", order.id))];
    Ok((StatusCode::CREATED, location, Json(OrderShown::from(order))))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Only orders of this customer.
    customer_id: Option<CustomerId>,
    /// Only orders of this status.
    status: Option<Status>,
    /// Only orders that were opened at this moment or later, to the millisecond.
    #[param(value_type = Option<String>, format = DateTime)]
    created_after: Option<Timestamp>,
    /// Only orders that were opened before this moment, to the millisecond.
    #[param(value_type = Option<String>, format = DateTime)]
    created_before: Option<Timestamp>,
}

/// Lists orders, the one that was opened last first.
#[utoipa::path(get, path = "/orders", params(Filter, Paging::<OrderId>), responses((status = 200, body = Listing<OrderShown>)))]
async fn list_orders(
    State(service): State<Service>,
    Paged { filter, page, .. }: Paged<Filter, OrderId>,
) -> Result<Json<Listing<OrderShown>>, Problem> {
    let mut orders = service.list::<Order>(page).sorted_by(Order::CREATED).descending();
    if let Some(customer_id) = filter.customer_id {
        orders = orders.with(Order::CUSTOMER, &customer_id);
    }
    if let Some(status) = filter.status {
        orders = orders.with(Order::STATUS, &status);
    }
    if let Some(moment) = filter.created_after {
        orders = orders.at_least(Order::CREATED, &moment.into());
    }
    if let Some(moment) = filter.created_before {
        orders = orders.below(Order::CREATED, &moment.into());
    }
    Ok(Json(orders.get().await?.into()))
}

/// Returns an order.
#[utoipa::path(get, path = "/orders/{id}", params(("id" = OrderId, Path)), responses(
    (status = 200, body = OrderShown),
    (status = 404, description = "There is no such order", body = Problem),
))]
async fn get_order(State(service): State<Service>, Path(id): Path<OrderId>) -> Result<Json<OrderShown>, Problem> {
    Ok(Json(find(&service, Order::ID, &id, "order").await?.into()))
}

/// Moves an order to another address while it is pending. A field that is left out stays as it is.
#[utoipa::path(patch, path = "/orders/{id}", params(("id" = OrderId, Path)), request_body = Move, responses(
    (status = 200, body = OrderShown),
    (status = 404, description = "There is no such order", body = Problem),
    (status = 409, description = "The order is not pending any more", body = Problem),
))]
async fn move_order(
    State(service): State<Service>,
    Path(order_id): Path<OrderId>,
    Caller(request): Caller,
    Json(wanted): Json<Move>,
) -> Result<Json<OrderShown>, Problem> {
    find(&service, Order::ID, &order_id, "order").await?;
    let MoveTo { zone, line } = wanted.address;
    let line = line.map(String::from);
    Ok(Json(service.execute_as(MoveOrder { order_id, zone, line }, request).await?.into()))
}

/// Cancels an order at once; what was done for it is compensated. Cancelling it again changes nothing.
#[utoipa::path(post, path = "/orders/{id}/cancel", params(("id" = OrderId, Path)), responses(
    (status = 200, body = OrderShown),
    (status = 404, description = "There is no such order", body = Problem),
    (status = 409, description = "The order is completed", body = Problem),
))]
async fn cancel_order(
    State(service): State<Service>,
    Path(order_id): Path<OrderId>,
    Caller(request): Caller,
) -> Result<Json<OrderShown>, Problem> {
    find(&service, Order::ID, &order_id, "order").await?;
    Ok(Json(service.execute_as(WithdrawOrder { order_id }, request).await?.into()))
}
