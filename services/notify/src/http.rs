//! Notify over HTTP: what an order's customer has been told.

use choreography::Service;
use choreography_axum::{Listing, Problem, Query};
use contracts::OrderId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::notifications::{Mail, Notifications};

/// Everything that can be asked.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list_notifications))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The order.
    order_id: OrderId,
}

/// A mail, and the order that it is about.
#[derive(Debug, Serialize, ToSchema)]
struct Notification {
    order_id: OrderId,
    #[serde(flatten)]
    mail: Mail,
}

/// What an order's customer has been told, in order: all on one page.
#[utoipa::path(get, path = "/notifications", params(Asked), responses(
    (status = 200, body = Listing<Notification>),
))]
async fn list_notifications(service: State, Query(asked): Query<Asked>) -> Result<Answer, Problem> {
    let order_id = asked.order_id;
    let told = service.one(Notifications::ORDER, &order_id).await?;
    let mails = told.map_or_else(Vec::new, |told| told.mails);
    let items = mails.into_iter().map(|mail| Notification { order_id, mail }).collect();
    Ok(axum::Json(Listing { items, next: None }))
}

type State = axum::extract::State<Service>;
type Answer = axum::Json<Listing<Notification>>;
