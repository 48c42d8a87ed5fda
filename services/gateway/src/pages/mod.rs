//! The shop's pages: HTML that is made on the server, so that every form works without JavaScript.
//!
//! What must hold: a page loads nothing from elsewhere, and only a form of our own pages changes anything.

mod address_form;
mod assets;
mod change;
mod fault;
mod field;
mod form;
mod history;
mod icons;
mod issuer;
pub(crate) mod layout;
mod moment;
mod new_order;
mod number;
mod order_form;
mod payment;
mod product_names;
mod products;
mod profile;
mod profile_of;
mod read;
mod session;
mod shown_order;
mod sign_in;
mod story;
mod tracking;
mod wallet;
mod way;
mod way_back;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use choreography_axum::Problem;
use tower_http::csrf::{CsrfLayer, ProtectionError};

use crate::gateway::Gateway;
pub use fault::with_error_pages;
pub use issuer::{Issuer, IssuerSettings};
pub use product_names::ProductNames;

/// Returns the routes of the pages.
pub fn routes() -> Router<Gateway> {
    Router::new()
        .merge(assets::routes())
        .merge(sign_in::routes())
        .merge(issuer::routes())
        .merge(products::routes())
        .merge(new_order::routes())
        .merge(payment::routes())
        .merge(tracking::routes())
        .merge(change::routes())
        .merge(history::routes())
        .merge(profile::routes())
        .layer(CsrfLayer::new().with_rejection_response(of_other_site))
}

/// Makes the 403 of a form that a page of another site has sent, or that does not say which page has.
#[allow(clippy::needless_pass_by_value, reason = "it is what the layer gives")]
fn of_other_site(_: ProtectionError) -> Response {
    let detail = "this was not sent from a page of this shop, so nothing was changed: open the shop, and do it there";
    Problem::new(StatusCode::FORBIDDEN, "other-site", detail).into_response()
}
