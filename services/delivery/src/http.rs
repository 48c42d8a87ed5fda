//! Delivery over HTTP: where an order is, and who delivers in which zone.

use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use choreography::{ExecuteError, Service};
use choreography_axum::{Caller, Json, Listing, Path, Problem, Query, Wrong, page};
use contracts::{DeliveryId, OrderId, Zone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::dealers::{AddDealer, Dealer, Dealers};
use crate::delivery::Delivery;
use crate::reactions::CompleteDelivery;

/// The longest name of a dealer, in characters: a line of a page.
const NAME_LENGTH_MAX: usize = 200;

/// Everything that can be asked.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(complete_delivery))
        .routes(routes!(list_dealers, add_dealer))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DeliveriesAsked {
    /// Only this order's.
    order_id: Option<OrderId>,
    /// At most so many, up to 100.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<OrderId>,
}

/// Deliveries, those of the newest orders first.
#[utoipa::path(get, path = "/deliveries", params(DeliveriesAsked), responses(
    (status = 200, body = Listing<Delivery>),
))]
async fn list_deliveries(
    service: State,
    Query(asked): Query<DeliveriesAsked>,
) -> Result<Answer<Listing<Delivery>>, Problem> {
    let mut deliveries = service.list::<Delivery>(page(asked.limit, asked.cursor)?).descending();
    if let Some(order_id) = asked.order_id {
        deliveries = deliveries.with(Delivery::ORDER, &order_id);
    }
    Ok(axum::Json(deliveries.get().await?.into()))
}

/// How a delivery stands.
#[utoipa::path(get, path = "/deliveries/{id}", params(("id" = DeliveryId, Path)), responses(
    (status = 200, body = Delivery),
    (status = 404, description = "There is none", body = Problem),
))]
async fn get_delivery(service: State, Path(id): Path<DeliveryId>) -> Result<Answer<Delivery>, Problem> {
    find(&service, id).await.map(axum::Json)
}

/// The customer has the order; the dealer has room again. Done twice, it is done.
#[utoipa::path(post, path = "/deliveries/{id}/complete", params(("id" = DeliveryId, Path)), responses(
    (status = 200, body = Delivery),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It was cancelled, or no dealer was found for it", body = Problem),
))]
async fn complete_delivery(
    service: State,
    Path(id): Path<DeliveryId>,
    caller: Caller,
) -> Result<Answer<Delivery>, Problem> {
    let order_id = find(&service, id).await?.order_id;
    Ok(axum::Json(service.execute_as(CompleteDelivery { order_id }, caller.request()).await?))
}

async fn find(service: &Service, id: DeliveryId) -> Result<Delivery, Problem> {
    let delivery = service.one(Delivery::ID, &id).await?;
    delivery.ok_or_else(|| Problem::not_found(format!("there is no delivery {id}")))
}

/// A dealer, and the zone.
#[derive(Debug, Serialize, ToSchema)]
struct DealerOfZone {
    zone: Zone,
    #[serde(flatten)]
    dealer: Dealer,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct DealersAsked {
    /// Only this zone's.
    zone: Option<Zone>,
    /// The dealers of at most so many zones, up to 100.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<Zone>,
}

/// Dealers, zone by zone; a zone's dealers are all on one page.
#[utoipa::path(get, path = "/dealers", params(DealersAsked), responses(
    (status = 200, body = Listing<DealerOfZone>),
))]
async fn list_dealers(
    service: State,
    Query(asked): Query<DealersAsked>,
) -> Result<Answer<Listing<DealerOfZone>>, Problem> {
    let mut zones = service.list::<Dealers>(page(asked.limit, asked.cursor)?);
    if let Some(zone) = asked.zone {
        zones = zones.with(Dealers::ZONE, &zone);
    }
    let listed = zones.get().await?;
    let items = listed.rows.into_iter().flat_map(|Dealers { zone, dealers }| {
        dealers.into_iter().map(move |dealer| DealerOfZone { zone: zone.clone(), dealer })
    });
    Ok(axum::Json(Listing { items: items.collect(), next: listed.next }))
}

/// Somebody new.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDealer {
    /// Once in each zone.
    name: String,
    /// Where the dealer delivers.
    zone: Zone,
    /// How many deliveries at once.
    capacity: u32,
}

/// Somebody new delivers to a zone.
#[utoipa::path(post, path = "/dealers", request_body = NewDealer,
    params(("idempotency-key" = String, Header)),
    responses(
        (status = 201, body = DealerOfZone),
        (status = 409, description = "The zone has a dealer of this name, or enough of them", body = Problem),
    )
)]
async fn add_dealer(service: State, caller: Caller, new: Json<NewDealer>) -> Result<impl IntoResponse, Problem> {
    if new.name.trim().is_empty() || new.name.chars().count() > NAME_LENGTH_MAX {
        return Err(Problem::invalid(vec![Wrong::at(
            "/name",
            format!("a name has 1 to {NAME_LENGTH_MAX} characters"),
        )]));
    }
    let request = caller.only_once(&new)?;
    let NewDealer { name, zone, capacity } = new.into_inner();
    let dealers = service.execute_as(AddDealer { zone: zone.clone(), name: name.clone(), capacity }, request).await?;
    let dealer = dealers.dealer(&name).cloned();
    let dealer = dealer.ok_or_else(|| ExecuteError::Failed(format!("{name} was added to {zone}, and is not there")))?;
    let location = AppendHeaders([(header::LOCATION, format!("/dealers?zone={zone}"))]);
    Ok((StatusCode::CREATED, location, axum::Json(DealerOfZone { zone, dealer })))
}

type State = axum::extract::State<Service>;
type Answer<T> = axum::Json<T>;
