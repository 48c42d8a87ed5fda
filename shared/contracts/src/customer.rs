//! The contact look-up, which is a request and a reply, and no message of an order's story.
//!
//! The reply to a customer who has no profile is an error of the server's service API, with [`NO_PROFILE`].

use serde::{Deserialize, Serialize};

use crate::CustomerId;

/// The subject of requests. It has two words, so no stream stores what is sent to it.
pub const CONTACT_SUBJECT: &str = "customer.contact";

/// The code of the error in the reply to a customer who has no profile.
pub const NO_PROFILE: usize = 404;

/// To customer: how is this customer reached?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRequest {
    /// The customer.
    pub customer_id: CustomerId,
}

/// How a customer is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The name, for the greeting.
    pub name: String,
    /// The mail address, if the profile has one.
    pub email: Option<String>,
}
