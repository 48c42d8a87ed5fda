//! `/readyz` while the issuer's keys are unknown: callers are better sent to another instance, which may know them.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use choreography_axum::Problem;

use super::Tokens;

impl Tokens {
    /// Lets `/readyz` respond with a 503 while the issuer's keys are unknown.
    pub fn required_for_readiness(&self, app: Router) -> Router {
        app.layer(from_fn_with_state(self.clone(), require))
    }
}

async fn require(State(tokens): State<Tokens>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/readyz" && !tokens.are_keys_known() {
        let detail = "tokens: the issuer's keys can't be read (TOKEN_KEYS; the log says why): no token counts";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail).into_response();
    }
    next.run(request).await
}
