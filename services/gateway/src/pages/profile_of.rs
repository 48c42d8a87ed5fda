//! A customer's profile, as customer shows and takes it.

use axum::http::Method;
use choreography_axum::Problem;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::read::read_or_default;
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
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(super) struct Address {
    pub zone: String,
    pub line: String,
}

impl Profile {
    /// Returns a customer's profile; an empty one if there is none yet.
    ///
    /// # Errors
    /// Customer does not respond.
    pub(super) async fn of(gateway: &Gateway, identity: &Identity) -> Result<Self, Problem> {
        read_or_default(gateway, Ask::get(Upstream::Customer, path(identity)).by(identity)).await
    }

    /// Makes it a customer's profile, in place of the one before.
    ///
    /// # Errors
    /// 422 for a profile that is invalid; customer does not respond.
    pub(super) async fn save(&self, gateway: &Gateway, identity: &Identity) -> Result<(), Problem> {
        let profile = json!({"name": self.name, "email": self.email, "addresses": self.addresses});
        let ask = Ask::new(Upstream::Customer, Method::PUT, path(identity)).json(&profile);
        gateway.upstreams.ask(ask.by(identity)).await.map(drop)
    }
}

fn path(identity: &Identity) -> String {
    format!("/customers/{}", identity.customer_id)
}
