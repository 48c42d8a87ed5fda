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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{KeySource, TokenSettings};
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_gateway_that_knows_no_keys_is_alive_and_not_ready() {
        let nowhere = KeySource::Url("http://127.0.0.1:1/keys".to_owned());
        for (token_keys, ready) in [(None, 200), (Some(nowhere), 503)] {
            let (token_issuer, token_audience) = ("https://issuer".to_owned(), "shop".to_owned());
            let tokens = Tokens::start(TokenSettings { token_keys, token_issuer, token_audience }).await.unwrap();
            let app = Router::new().route("/readyz", get(async || "ready")).route("/livez", get(async || "alive"));
            let app = tokens.required_for_readiness(app);
            for (path, expected) in [("/readyz", ready), ("/livez", 200)] {
                let response = app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
                assert_eq!(response.status().as_u16(), expected, "{path}");
            }
        }
    }
}
