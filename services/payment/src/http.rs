//! Payment over HTTP: look at a payment, confirm it, cancel it.

use choreography::{Command, Service};
use choreography_axum::{Caller, Json, Listing, Path, Problem, Query, page};
use contracts::{OrderId, PaymentId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::customer::{ConfirmPayment, DeclinePayment};
use crate::payment::Payment;

/// Everything that can be asked.
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
#[serde(deny_unknown_fields)]
struct Asked {
    /// Only this order's.
    order_id: Option<OrderId>,
    /// At most so many, up to 100.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<OrderId>,
}

/// Payments, those of the newest orders first.
#[utoipa::path(get, path = "/payments", params(Asked), responses((status = 200, body = Listing<Payment>)))]
async fn list_payments(service: State, Query(asked): Query<Asked>) -> Result<Answer<Listing<Payment>>, Problem> {
    let mut payments = service.list::<Payment>(page(asked.limit, asked.cursor)?).descending();
    if let Some(order_id) = asked.order_id {
        payments = payments.with(Payment::ORDER, &order_id);
    }
    Ok(axum::Json(payments.get().await?.into()))
}

/// How a payment stands.
#[utoipa::path(get, path = "/payments/{id}", params(("id" = PaymentId, Path)), responses(
    (status = 200, body = Payment),
    (status = 404, description = "There is none", body = Problem),
))]
async fn get_payment(service: State, Path(id): Path<PaymentId>) -> Result<Answer<Payment>, Problem> {
    find(&service, id).await.map(axum::Json)
}

/// The customer pays. Done twice, it is done.
#[utoipa::path(post, path = "/payments/{id}/confirm", params(("id" = PaymentId, Path)), responses(
    (status = 200, body = Payment),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It was cancelled, or it expired", body = Problem),
))]
async fn confirm_payment(
    service: State,
    Path(id): Path<PaymentId>,
    caller: Caller,
) -> Result<Answer<Payment>, Problem> {
    let order_id = find(&service, id).await?.order_id;
    tell(&service, ConfirmPayment { order_id }, caller).await
}

/// The customer does not want to pay, and the order is cancelled. Done twice, it is done.
#[utoipa::path(post, path = "/payments/{id}/cancel", params(("id" = PaymentId, Path)), responses(
    (status = 200, body = Payment),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It is confirmed (cancel the order instead), or it is over", body = Problem),
))]
async fn cancel_payment(service: State, Path(id): Path<PaymentId>, caller: Caller) -> Result<Answer<Payment>, Problem> {
    let order_id = find(&service, id).await?.order_id;
    tell(&service, DeclinePayment { order_id }, caller).await
}

/// An order, by which its payment is found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfOrder {
    order_id: OrderId,
}

/// The customer pays, and knows the order only.
#[utoipa::path(post, path = "/payments/confirm", request_body = OfOrder, responses(
    (status = 200, body = Payment),
    (status = 404, description = "The order has no payment", body = Problem),
    (status = 409, description = "It was cancelled, or it expired", body = Problem),
))]
async fn confirm_payment_of_order(
    service: State,
    caller: Caller,
    body: Json<OfOrder>,
) -> Result<Answer<Payment>, Problem> {
    let order_id = find_of_order(&service, body.order_id).await?.order_id;
    tell(&service, ConfirmPayment { order_id }, caller).await
}

/// The customer does not want to pay, and knows the order only.
#[utoipa::path(post, path = "/payments/cancel", request_body = OfOrder, responses(
    (status = 200, body = Payment),
    (status = 404, description = "The order has no payment", body = Problem),
    (status = 409, description = "It is confirmed (cancel the order instead), or it is over", body = Problem),
))]
async fn cancel_payment_of_order(
    service: State,
    caller: Caller,
    body: Json<OfOrder>,
) -> Result<Answer<Payment>, Problem> {
    let order_id = find_of_order(&service, body.order_id).await?.order_id;
    tell(&service, DeclinePayment { order_id }, caller).await
}

async fn tell<C: Command<Row = Payment>>(
    service: &Service,
    command: C,
    caller: Caller,
) -> Result<Answer<Payment>, Problem> {
    Ok(axum::Json(service.execute_as(command, caller.request()).await?))
}

async fn find(service: &Service, id: PaymentId) -> Result<Payment, Problem> {
    let payment = service.one(Payment::ID, &id).await?;
    payment.ok_or_else(|| Problem::not_found(format!("there is no payment {id}")))
}

async fn find_of_order(service: &Service, id: OrderId) -> Result<Payment, Problem> {
    let payment = service.one(Payment::ORDER, &id).await?;
    payment.ok_or_else(|| Problem::not_found(format!("there is no payment of order {id}, or not yet")))
}

type State = axum::extract::State<Service>;
type Answer<T> = axum::Json<T>;
