//! The shop's pages.

use axum::Router;

use crate::gateway::Gateway;

/// Returns the routes of the pages.
pub fn routes() -> Router<Gateway> {
    Router::new()
}
