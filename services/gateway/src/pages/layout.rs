//! What every page has: head, navigation, main part and foot, and the headers that protect it.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets::{ICON_PATH, SCRIPT_PATH, STYLE_PATH};
use super::icons;

/// Nothing but our own style sheet, script and requests: no inline code, no frame around the page, no form elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parts of the shop that the navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Products,
    Orders,
    Profile,
    /// A page that the navigation does not lead to.
    Elsewhere,
}

const NAVIGATION: [(Place, &str, &str); 3] =
    [(Place::Products, "/", "Products"), (Place::Orders, "/orders", "Orders"), (Place::Profile, "/profile", "Profile")];

/// A page: what it is called, where it is, and its main part.
pub(crate) struct Page<'a> {
    pub title: &'a str,
    pub place: Place,
    /// Whether the navigation is shown.
    pub is_signed_in: bool,
    pub main: Markup,
}

impl Page<'_> {
    /// Returns the response with the page.
    pub(super) fn with_status(self, status: StatusCode) -> Response {
        let headers: [(HeaderName, &str); 3] = [
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::CACHE_CONTROL, "no-store"),
            // Without it browsers send forms without their origin, by which they are told from those of other sites.
            (header::REFERRER_POLICY, "same-origin"),
        ];
        (status, headers, Html(self.markup().into_string())).into_response()
    }

    fn markup(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · Shop" }
                    link rel="icon" href=(*ICON_PATH) type="image/svg+xml";
                    link rel="stylesheet" href=(*STYLE_PATH);
                    script src=(*SCRIPT_PATH) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (self.bar())
                    main #main tabindex="-1" { (self.main) }
                    footer { div {
                        span { "No coordinator: each service reacts to messages, and publishes what follows." }
                        span.links {
                            a href="/api/docs" { "API" }
                            a href="/api/messages" { "Messages" }
                        }
                    } }
                }
            }
        }
    }

    fn bar(&self) -> Markup {
        html! {
            header.bar { div {
                a.brand href="/" { (icons::brand()) "Shop" }
                @if self.is_signed_in {
                    nav aria-label="Main" { ul {
                        @for (place, path, name) in NAVIGATION {
                            li { a href=(path) aria-current=[(place == self.place).then_some("page")] { (name) } }
                        }
                    } }
                    form method="post" action="/sign-out" {
                        button.link type="submit" { "Sign out" }
                    }
                }
            } }
        }
    }
}

impl IntoResponse for Page<'_> {
    fn into_response(self) -> Response {
        self.with_status(StatusCode::OK)
    }
}
