//! What the shop needs on the message server, computed from what its services receive and publish.
//!
//! Nothing is listed by hand: a message that a service begins to receive is in its consumers' filter with the next run.

pub mod connect;
pub mod monitor;

use choreography::provision::{Plan, Users};
use contracts::CONTACT_SUBJECT;
use gateway::shop;

/// Returns the users of the server's configuration. The order service follows stories live, for
/// `GET /orders/{id}/events`; notify asks customer how a customer is reached.
pub fn users() -> Users {
    let users = Plan::of(&shop()).users().following_stories("order");
    users.replying("customer", CONTACT_SUBJECT).requesting("notify", CONTACT_SUBJECT)
}
