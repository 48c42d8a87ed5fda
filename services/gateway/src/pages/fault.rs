//! A page that says what went wrong, and what can be done about it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use choreography_axum::Problem;
use maud::html;

use super::layout::{Page, Place};

/// A problem as a page.
#[derive(Debug)]
pub(super) struct Fault(Problem);

impl<P: Into<Problem>> From<P> for Fault {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (title, lead) = match status.as_u16() {
            404 => ("Nothing here", "There is no such page, or it is not yours."),
            503 => ("Not at the moment", "The shop takes nothing on just now. Try again in a few seconds."),
            400..=499 => ("That did not work", "The shop could not do what you asked for."),
            _ => ("Something broke", "It is our fault, not yours. Try again in a few seconds."),
        };
        let main = html! {
            div.head { h1 { (title) } p.lead { (lead) } }
            div.card.stack {
                p.notice.bad role="alert" { (self.0.detail) }
                div.actions { a.button href="/" { "To the products" } }
            }
        };
        let retry_after = self.0.into_response().headers().get("retry-after").cloned();
        let mut response = Page { title, place: Place::Elsewhere, is_signed_in: true, main }.with_status(status);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert("retry-after", seconds);
        }
        response
    }
}
