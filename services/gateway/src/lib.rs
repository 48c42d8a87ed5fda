//! The gateway is the one public door of the shop: its API under `/api`, and its pages.

mod api;
pub mod gateway;
pub mod https;
pub mod identity;
pub mod orders;
pub mod pages;
pub mod settings;
pub mod tokens;
pub mod upstreams;

use choreography::{Choreography, Service};
use utoipa_axum::router::OpenApiRouter;

use gateway::Gateway;
use orders::{accept_order, cancel_accepted};

/// Returns everything that the gateway receives and publishes.
pub fn choreography() -> Choreography {
    Choreography::new("gateway").intake(accept_order).compensate(cancel_accepted)
}

/// Returns all routes: the API and the pages.
pub fn routes(gateway: Gateway) -> OpenApiRouter<Service> {
    OpenApiRouter::from(pages::routes()).merge(api::routes()).with_state(gateway)
}
