//! The page that shows the API's document: Swagger UI, whose files are compiled in.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::gateway::Gateway;

/// Where the page is.
const PATH: &str = "/api/docs";
/// The document that it shows.
const DOCUMENT: &str = "/openapi.json";
/// What the page may load: its own scripts, and styles that its scripts make.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// The page is for everybody, and its files are large: they change with a release of the gateway.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// Returns the route of the page.
pub(super) fn routes() -> Router<Gateway> {
    let page: Router<Gateway> = SwaggerUi::new(PATH).config(Config::from(DOCUMENT)).into();
    page.layer(SetResponseHeaderLayer::overriding(CONTENT_SECURITY_POLICY, POLICY))
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, KEPT))
}
