//! The AsyncAPI document of the shop's messages, and the page that shows it. The page is HTML in the shop's own style,
//! made once from the document: AsyncAPI's own viewer (`@asyncapi/react-component`) is 3 MB of scripts.

mod document;
mod fields;
mod page;

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use maud::{Markup, PreEscaped};

use crate::gateway::Gateway;
use crate::pages::layout::{Page, Place};
use crate::shop::asyncapi;
use document::Document;

/// Where the document is.
const DOCUMENT: &str = "/asyncapi.json";
/// Where the page is.
const PAGE: &str = "/api/messages";

static TEXT: LazyLock<String> = LazyLock::new(asyncapi);
static MAIN: LazyLock<String> = LazyLock::new(|| page::main(&Document::read(&TEXT)).into_string());

/// Returns the routes of both.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route(DOCUMENT, get(async || ([(CONTENT_TYPE, "application/json")], TEXT.as_str())))
        .route(PAGE, get(show))
}

async fn show() -> Page<'static> {
    let main: Markup = PreEscaped(MAIN.clone());
    Page { title: "Messages", place: Place::Elsewhere, is_signed_in: false, main }
}
