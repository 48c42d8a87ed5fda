//! A customer's profile, as customer shows it.

use choreography_axum::Problem;
use serde::Deserialize;

use super::read::read;
use crate::gateway::Gateway;
use crate::identity::Identity;
use crate::upstreams::{Ask, Upstream};

/// A customer's profile.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Profile {
    pub name: String,
    pub email: Option<String>,
    pub addresses: Vec<Address>,
}

/// Where an order may go.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Address {
    pub zone: String,
    pub line: String,
}

/// Returns the profile of who is signed in; an empty one if there is none yet.
///
/// # Errors
/// Customer does not respond.
pub(super) async fn profile_of(gateway: &Gateway, identity: &Identity) -> Result<Profile, Problem> {
    let ask = Ask::get(Upstream::Customer, format!("/customers/{}", identity.customer_id)).by(identity);
    match read(gateway, ask).await {
        Err(problem) if problem.status == 404 => Ok(Profile::default()),
        profile => profile,
    }
}
