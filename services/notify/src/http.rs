//! Notify over HTTP: the mails to an order's customer.

use axum::extract::State;
use choreography::Service;
use choreography_axum::{Json, Listing, Problem, Query};
use contracts::OrderId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::notifications::{Notification, Notifications};

/// Returns the routes of notify.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list_notifications))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// The order.
    order_id: OrderId,
}

/// A mail to an order's customer.
#[derive(Debug, Serialize, ToSchema)]
struct NotificationOfOrder {
    order_id: OrderId,
    #[serde(flatten)]
    mail: Notification,
}

/// Lists the mails to an order's customer in order, all on one page.
#[utoipa::path(get, path = "/notifications", params(Filter), responses(
    (status = 200, body = Listing<NotificationOfOrder>),
))]
async fn list_notifications(
    State(service): State<Service>,
    Query(Filter { order_id }): Query<Filter>,
) -> Result<Json<Listing<NotificationOfOrder>>, Problem> {
    let notifications = service.one(Notifications::ORDER, &order_id).await?;
    let mails = notifications.map_or_else(Vec::new, |notifications| notifications.mails);
    let items = mails.into_iter().map(|mail| NotificationOfOrder { order_id, mail }).collect();
    Ok(Json(Listing { items, next: None, unreadable: 0 }))
}
