//! A service's routes with everything around them: what must hold for all of them is set up here, once.

use std::any::Any;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use choreography::Service;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::Info;
use utoipa_axum::router::OpenApiRouter;

use crate::{Problem, circuits, health, measure};

/// The largest body that is read: what is in it goes into messages, which have the same bound.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// How long an answer may take before the caller is told to ask again: far longer than a slow commit.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Resolves when the service stops: answers that would never end must end then.
#[derive(Debug, Clone, Default)]
pub struct Stopping(pub(crate) CancellationToken);

impl Stopping {
    /// Waits until the service stops.
    pub async fn begun(self) {
        self.0.cancelled().await;
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Stopping {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// The whole HTTP face of a service: its routes, health, metrics, `/openapi.json`, and problems for all the rest.
pub fn face(service: Service, routes: OpenApiRouter<Service>, stopping: Stopping) -> Router {
    let (routes, mut api) = routes.split_for_parts();
    api.info = Info::new(service.name(), env!("CARGO_PKG_VERSION"));
    let routes = routes
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/circuits", get(circuits::circuits))
        .route("/openapi.json", get(Json(api)));
    surround(routes.with_state(service)).layer(Extension(stopping))
}

/// What is around routes: from the inside out.
pub(crate) fn surround(routes: Router) -> Router {
    measure::recorder();
    routes
        .route("/metrics", get(measure::metrics))
        .fallback(no_such_address)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(measure::measure))
}

async fn no_such_address(method: Method, uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {method} {}; /openapi.json lists what there is", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}; the `allow` header lists what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(ANSWER_MAX, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let detail = format!(
            "there was no answer within {} seconds; it may still be done: ask again with the same idempotency key",
            ANSWER_MAX.as_secs()
        );
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "time-out", detail).retry_after(1).into_response()
    })
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("of an unknown kind"), "a request's handler panicked");
    Problem::internal().into_response()
}
