//! Delivery over HTTP: where an order is, and who delivers in which zone.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use choreography::{ExecuteError, Service};
use choreography_axum::{
    Caller, Idempotent, InvalidField, Json, Listing, Paged, Paging, Path, Problem, RequiredKey, find,
};
use contracts::{DeliveryId, Name, OrderId, Zone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::dealers::{AddDealer, Dealer, Dealers};
use crate::delivery::Delivery;
use crate::reactions::CompleteDelivery;

/// The most deliveries that a dealer takes at once: more is a mistake.
const CAPACITY_MAX: u32 = 1_000_000;

/// Returns the routes of delivery.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(complete_delivery))
        .routes(routes!(list_dealers, add_dealer))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DeliveryFilter {
    /// Only the delivery of this order.
    order_id: Option<OrderId>,
}

/// Lists deliveries, those of the newest orders first.
#[utoipa::path(get, path = "/deliveries", params(DeliveryFilter, Paging::<OrderId>), responses(
    (status = 200, body = Listing<Delivery>),
))]
async fn list_deliveries(
    State(service): State<Service>,
    Paged { filter, page, .. }: Paged<DeliveryFilter, OrderId>,
) -> Result<Json<Listing<Delivery>>, Problem> {
    let mut deliveries = service.list::<Delivery>(page).descending();
    if let Some(order_id) = filter.order_id {
        deliveries = deliveries.with(Delivery::ORDER, &order_id);
    }
    Ok(Json(deliveries.get().await?.into()))
}

/// Returns a delivery.
#[utoipa::path(get, path = "/deliveries/{id}", params(("id" = DeliveryId, Path)), responses(
    (status = 200, body = Delivery),
    (status = 404, description = "There is no such delivery", body = Problem),
))]
async fn get_delivery(State(service): State<Service>, Path(id): Path<DeliveryId>) -> Result<Json<Delivery>, Problem> {
    find(&service, Delivery::ID, &id, "delivery").await.map(Json)
}

/// Completes a delivery: the customer has the order, and the dealer has room again. Completing it again changes
/// nothing.
#[utoipa::path(post, path = "/deliveries/{id}/complete", params(("id" = DeliveryId, Path)), responses(
    (status = 200, body = Delivery),
    (status = 404, description = "There is no such delivery", body = Problem),
    (status = 409, description = "The delivery was cancelled, or no dealer was found for it", body = Problem),
))]
async fn complete_delivery(
    State(service): State<Service>,
    Path(id): Path<DeliveryId>,
    Caller(request): Caller,
) -> Result<Json<Delivery>, Problem> {
    let Delivery { order_id, .. } = find(&service, Delivery::ID, &id, "delivery").await?;
    Ok(Json(service.execute_as(CompleteDelivery { order_id }, request).await?))
}

/// A dealer, and the dealer's zone.
#[derive(Debug, Serialize, ToSchema)]
struct DealerOfZone {
    zone: Zone,
    #[serde(flatten)]
    dealer: Dealer,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct DealerFilter {
    /// Only the dealers of this zone.
    zone: Option<Zone>,
}

/// Lists dealers, zone by zone. A page has the dealers of `limit` zones: those of one zone are all on one page.
#[utoipa::path(get, path = "/dealers", params(DealerFilter, Paging::<Zone>), responses(
    (status = 200, body = Listing<DealerOfZone>),
))]
async fn list_dealers(
    State(service): State<Service>,
    Paged { filter, page, .. }: Paged<DealerFilter, Zone>,
) -> Result<Json<Listing<DealerOfZone>>, Problem> {
    let mut zones = service.list::<Dealers>(page);
    if let Some(zone) = filter.zone {
        zones = zones.with(Dealers::ZONE, &zone);
    }
    let listed = zones.get().await?;
    let items = listed.rows.into_iter().flat_map(|Dealers { zone, dealers }| {
        dealers.into_iter().map(move |dealer| DealerOfZone { zone: zone.clone(), dealer })
    });
    Ok(Json(Listing { items: items.collect(), next: listed.next, unreadable: listed.unreadable }))
}

/// A new dealer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDealer {
    /// The dealer's name, once in each zone.
    name: Name,
    /// The zone where the dealer delivers.
    zone: Zone,
    /// How many deliveries the dealer takes at once.
    #[schema(maximum = 1_000_000)]
    capacity: u32,
}

/// Adds a dealer to a zone.
#[utoipa::path(post, path = "/dealers", request_body = NewDealer,
    params(RequiredKey),
    responses(
        (status = 201, body = DealerOfZone),
        (status = 409, description = "The zone has a dealer of this name already, or as many dealers as it may have", body = Problem),
    )
)]
async fn add_dealer(State(service): State<Service>, new: Idempotent<NewDealer>) -> Result<impl IntoResponse, Problem> {
    let Idempotent { body: NewDealer { name, zone, capacity }, request } = new.required()?;
    if capacity > CAPACITY_MAX {
        let detail = format!("a dealer takes at most {CAPACITY_MAX} deliveries at once");
        return Err(Problem::invalid(vec![InvalidField::at("/capacity", detail)]));
    }
    let name = String::from(name);
    let dealers = service.execute_as(AddDealer { zone: zone.clone(), name: name.clone(), capacity }, request).await?;
    let dealer = dealers.dealer(&name).cloned();
    let dealer = dealer.ok_or_else(|| ExecuteError::Failed(format!("{name} was added to {zone}, and is not there")))?;
    let location = [(header::LOCATION, format!("/dealers?zone={zone}"))];
    Ok((StatusCode::CREATED, location, Json(DealerOfZone { zone, dealer })))
}
