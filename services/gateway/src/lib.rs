//! The gateway is the one public door of the shop: its API under `/api`, and its pages.

mod api;
pub mod door;
pub mod gateway;
pub mod https;
pub mod identity;
pub mod limits;
pub mod orders;
pub mod pages;
pub mod settings;
mod shop;
pub mod tokens;
pub mod upstreams;

use axum::Router;
use axum::middleware::from_fn_with_state;
use choreography::{Choreography, Service};
use utoipa_axum::router::OpenApiRouter;

use gateway::Gateway;
use limits::LimitSettings;
use orders::{accept_order, cancel_accepted};
pub use shop::{asyncapi, shop};

/// Returns everything that the gateway receives and publishes.
pub fn choreography() -> Choreography {
    Choreography::new("gateway").intake(accept_order).compensate(cancel_accepted)
}

/// Returns all routes: the API and the pages, each within the limits of its caller.
pub fn routes(gateway: Gateway, limits: &LimitSettings) -> OpenApiRouter<Service> {
    let (routes, document) = api::routes().merge(OpenApiRouter::from(pages::routes())).split_for_parts();
    let identified = |routes: Router| routes.layer(from_fn_with_state(gateway.clone(), identity::identify));
    let routes = limits::limited(routes.with_state(gateway.clone()), limits, identified);
    OpenApiRouter::with_openapi(document).merge(OpenApiRouter::from(routes.with_state(())))
}
