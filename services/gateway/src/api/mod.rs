//! The API under `/api`: what of each service is public, for whom, and one document of all of it.

mod access;
mod document;
mod exposed;
mod forward;
mod messages;
mod page;

use axum::Router;
use axum::routing::{MethodFilter, on};
use utoipa_axum::router::OpenApiRouter;

use crate::gateway::Gateway;
use crate::orders;
use exposed::{EXPOSED, Exposed};

/// Returns the routes of the API, with their document.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    let (own, document) = orders::routes().split_for_parts();
    let exposed = EXPOSED.iter().fold(Router::new(), add);
    OpenApiRouter::with_openapi(document::of_all(document))
        .merge(OpenApiRouter::from(own.merge(exposed).merge(page::routes()).merge(messages::routes())))
}

fn add(router: Router<Gateway>, exposed: &'static Exposed) -> Router<Gateway> {
    let filter = MethodFilter::try_from(exposed.method.clone()).expect("a method that has a filter");
    let handler = move |gateway, identity, stopping, parameters, request| {
        forward::forward(exposed, gateway, identity, stopping, parameters, request)
    };
    router.route(&format!("/api{}", exposed.path), on(filter, handler))
}
