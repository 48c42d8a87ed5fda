//! What the shop needs on the message server, computed from what its services receive and publish.
//!
//! Nothing is listed by hand: a message that a service begins to receive is in its consumers' filter with the next run.

pub mod connect;
pub mod monitor;

use choreography::Choreography;
use choreography::provision::{Plan, Users};
use contracts::CONTACT_SUBJECT;
use notify::contacts::Contacts;
use notify::mailer::Mailer;
use payment::settings::Patience;

/// Returns the choreographies of all services. What they are started with does not matter here: nothing is started.
pub fn shop() -> Vec<Choreography> {
    vec![
        gateway::choreography(),
        order::choreography(),
        inventory::choreography(),
        payment::choreography(Patience::default()),
        wallet::choreography(false),
        delivery::choreography(),
        notify::choreography(Mailer::default(), Contacts::unreachable()),
        customer::choreography(),
    ]
}

/// Returns the users of the server's configuration. The order service follows stories live, for
/// `GET /orders/{id}/events`; notify asks customer how a customer is reached.
pub fn users() -> Users {
    let users = Plan::of(&shop()).users().following_stories("order");
    users.replying("customer", CONTACT_SUBJECT).requesting("notify", CONTACT_SUBJECT)
}
