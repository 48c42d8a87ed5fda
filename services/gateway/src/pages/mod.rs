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
use tower_http::csrf::CsrfLayer;

use crate::gateway::Gateway;
pub use fault::with_error_pages;
pub use issuer::{Issuer, IssuerSettings};

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
        .layer(CsrfLayer::new())
}
