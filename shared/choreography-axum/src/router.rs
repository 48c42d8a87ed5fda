//! A service's routes with everything around them: what must hold for all of them is set up here, once.

use std::any::Any;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use choreography::Service;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::Info;
use utoipa_axum::router::OpenApiRouter;

use crate::{Problem, Stopping, api_document, circuits, health, request_metrics};

/// The largest request body, in bytes: its content goes into messages, whose payloads have the same bound.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// How long a response may take before the caller gets a 503 and may try again: far longer than a slow commit.
const RESPONSE_TIME_MAX: Duration = Duration::from_secs(10);

/// The version in `/openapi.json` of an API without an `info` of its own.
const VERSION_UNKNOWN: &str = "0.0.0";

/// Returns the whole HTTP face of a service: its routes, health, metrics, `/openapi.json`, and problems for all the
/// rest. [`serve()`](crate::serve()) serves it; tests call it without a socket.
///
/// The title in `/openapi.json` is the service's name unless the routes have an `info` of their own
/// ([`OpenApiRouter::with_openapi`]).
///
/// ```
/// # use axum::Router;
/// # use choreography::Service;
/// # use choreography_axum::{Stopping, router};
/// # use utoipa_axum::router::OpenApiRouter;
/// fn app(service: Service) -> Router {
///     router(service, OpenApiRouter::new(), Stopping::default())
/// }
/// ```
pub fn router(service: Service, routes: OpenApiRouter<Service>, stopping: Stopping) -> Router {
    let (routes, mut api) = routes.split_for_parts();
    if api.info == OpenApiRouter::<Service>::new().get_openapi().info {
        api.info = Info::new(service.name(), VERSION_UNKNOWN); // instead of the library's own
    }
    api_document::complete(&mut api);
    let routes = routes
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/circuits", get(circuits::circuits))
        .route("/openapi.json", get(Json(api)));
    surround(routes.with_state(service)).layer(Extension(stopping))
}

/// Adds metrics, problems, limits and time-outs to routes, from the inside out.
pub(crate) fn surround(routes: Router) -> Router {
    request_metrics::recorder();
    routes
        .route("/metrics", get(request_metrics::metrics))
        .fallback(no_such_address)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(request_metrics::measure))
}

async fn no_such_address(method: Method, uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {method} {}; /openapi.json lists what there is", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}; the `allow` header lists what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

async fn in_time(request: Request, next: Next) -> Response {
    let response = tokio::time::timeout(RESPONSE_TIME_MAX, next.run(request)).await;
    response.unwrap_or_else(|_| {
        let detail = format!(
            "there was no response within {} seconds; the command may still be executed: try again with the same \
             idempotency key",
            RESPONSE_TIME_MAX.as_secs()
        );
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "time-out", detail).retry_after(1).into_response()
    })
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("without a text"), "a request's handler panicked: the caller gets a 500");
    Problem::internal().into_response()
}
