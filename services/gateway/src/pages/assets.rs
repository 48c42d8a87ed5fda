//! The style sheet, the script and the icon, compiled in. Their addresses contain a hash of their content, so that browsers keep
//! them and never have an old one.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;
use uuid::Uuid;

use crate::gateway::Gateway;

const STYLE: &str = include_str!("assets/shop.css");
const SCRIPT: &str = include_str!("assets/shop.js");
const ICON: &str = include_str!("assets/icon.svg");
/// An address never changes its content: a year, the longest that RFC 9111 knows.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The address of the style sheet.
pub(super) static STYLE_PATH: LazyLock<String> = LazyLock::new(|| path("shop", STYLE, "css"));
/// The address of the script.
pub(super) static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| path("shop", SCRIPT, "js"));
/// The address of the icon.
pub(super) static ICON_PATH: LazyLock<String> = LazyLock::new(|| path("icon", ICON, "svg"));

fn path(name: &str, content: &str, suffix: &str) -> String {
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, content.as_bytes()).simple();
    format!("/assets/{name}-{hash}.{suffix}")
}

fn asset(media_type: &'static str, content: &'static str) -> ([(HeaderName, &'static str); 2], &'static str) {
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, FOR_EVER)], content)
}

/// Returns the routes of all.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route(&STYLE_PATH, get(async || asset("text/css; charset=utf-8", STYLE)))
        .route(&SCRIPT_PATH, get(async || asset("text/javascript; charset=utf-8", SCRIPT)))
        .route(&ICON_PATH, get(async || asset("image/svg+xml", ICON)))
}
