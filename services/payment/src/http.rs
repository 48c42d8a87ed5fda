//! Payment over HTTP: look at a payment, confirm it, cancel it.

use axum::extract::State;
use choreography::Service;
use choreography_axum::{Caller, Json, Listing, Paged, Paging, Path, Problem, find};
use contracts::{OrderId, PaymentId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::customer::{ConfirmPayment, DeclinePayment};
use crate::payment::Payment;

/// Returns the routes of payment.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list_payments))
        .routes(routes!(get_payment))
        .routes(routes!(confirm_payment))
        .routes(routes!(cancel_payment))
        .routes(routes!(confirm_payment_of_order))
        .routes(routes!(cancel_payment_of_order))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Only the payment of this order.
    order_id: Option<OrderId>,
}

/// Lists payments, those of the newest orders first.
#[utoipa::path(get, path = "/payments", params(Filter, Paging::<OrderId>), responses((status = 200, body = Listing<Payment>)))]
async fn list_payments(
    State(service): State<Service>,
    Paged { filter, page, .. }: Paged<Filter, OrderId>,
) -> Result<Json<Listing<Payment>>, Problem> {
    let mut payments = service.list::<Payment>(page).descending();
    if let Some(order_id) = filter.order_id {
        payments = payments.with(Payment::ORDER, &order_id);
    }
    Ok(Json(payments.get().await?.into()))
}

/// Returns a payment.
#[utoipa::path(get, path = "/payments/{id}", params(("id" = PaymentId, Path)), responses(
    (status = 200, body = Payment),
    (status = 404, description = "There is no such payment", body = Problem),
))]
async fn get_payment(State(service): State<Service>, Path(id): Path<PaymentId>) -> Result<Json<Payment>, Problem> {
    find(&service, Payment::ID, &id, "payment").await.map(Json)
}

/// Confirms a payment: the wallet is asked for the money, and the payment is `processing` until it answers. Confirming it
/// again changes nothing.
#[utoipa::path(post, path = "/payments/{id}/confirm", params(("id" = PaymentId, Path)), responses(
    (status = 200, body = Payment),
    (status = 404, description = "There is no such payment", body = Problem),
    (status = 409, description = "The payment was cancelled or refused, or has expired", body = Problem),
))]
async fn confirm_payment(
    State(service): State<Service>,
    Path(id): Path<PaymentId>,
    Caller(request): Caller,
) -> Result<Json<Payment>, Problem> {
    let Payment { order_id, .. } = find(&service, Payment::ID, &id, "payment").await?;
    Ok(Json(service.execute_as(ConfirmPayment { order_id }, request).await?))
}

/// Cancels a payment that the customer does not want to make, and its order. Cancelling it again changes nothing.
#[utoipa::path(post, path = "/payments/{id}/cancel", params(("id" = PaymentId, Path)), responses(
    (status = 200, body = Payment),
    (status = 404, description = "There is no such payment", body = Problem),
    (status = 409, description = "The payment is confirmed (cancel the order instead), or it has ended", body = Problem),
))]
async fn cancel_payment(
    State(service): State<Service>,
    Path(id): Path<PaymentId>,
    Caller(request): Caller,
) -> Result<Json<Payment>, Problem> {
    let Payment { order_id, .. } = find(&service, Payment::ID, &id, "payment").await?;
    Ok(Json(service.execute_as(DeclinePayment { order_id }, request).await?))
}

/// The order whose payment is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfOrder {
    order_id: OrderId,
}

/// Confirms the payment of an order.
#[utoipa::path(post, path = "/payments/confirm", request_body = OfOrder, responses(
    (status = 200, body = Payment),
    (status = 404, description = "The order has no payment", body = Problem),
    (status = 409, description = "The payment was cancelled or refused, or has expired", body = Problem),
))]
async fn confirm_payment_of_order(
    State(service): State<Service>,
    Caller(request): Caller,
    Json(OfOrder { order_id }): Json<OfOrder>,
) -> Result<Json<Payment>, Problem> {
    require_payment_of(&service, order_id).await?;
    Ok(Json(service.execute_as(ConfirmPayment { order_id }, request).await?))
}

/// Cancels the payment of an order, and the order.
#[utoipa::path(post, path = "/payments/cancel", request_body = OfOrder, responses(
    (status = 200, body = Payment),
    (status = 404, description = "The order has no payment", body = Problem),
    (status = 409, description = "The payment is confirmed (cancel the order instead), or it has ended", body = Problem),
))]
async fn cancel_payment_of_order(
    State(service): State<Service>,
    Caller(request): Caller,
    Json(OfOrder { order_id }): Json<OfOrder>,
) -> Result<Json<Payment>, Problem> {
    require_payment_of(&service, order_id).await?;
    Ok(Json(service.execute_as(DeclinePayment { order_id }, request).await?))
}

/// Makes a 404 of an order that has no payment, which may still be created.
async fn require_payment_of(service: &Service, order_id: OrderId) -> Result<(), Problem> {
    let payment = service.one(Payment::ORDER, &order_id).await?;
    let missing = || Problem::not_found(format!("there is no payment of order {order_id}, or not yet"));
    payment.map(drop).ok_or_else(missing)
}
