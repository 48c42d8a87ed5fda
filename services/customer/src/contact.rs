//! The contact look-up: other services ask how a customer is reached, by a request on the message server.
//!
//! It is a service of the server's service API, which `nats service ls`, `info`, `stats` and `ping` show. What must hold:
//! each request goes to one of the instances, and one that stops replies to what it has received.

use std::time::Duration;

use async_nats::Client;
use async_nats::service::endpoint::Endpoint;
use async_nats::service::error::Error as ErrorReply;
use async_nats::service::{self, ServiceExt};
use choreography::Service;
use contracts::customer::NO_PROFILE;
use contracts::{CONTACT_SUBJECT, Contact, ContactRequest};
use futures::StreamExt;
use tokio::task::JoinHandle;

use crate::customer::Customer;

/// The name of the endpoint, and of the group among whose members the server shares the requests.
const ENDPOINT: &str = "contact";
/// How many customers are looked up at once: as many as notify's effects ask about.
const LOOK_UPS_MAX: usize = 32;
/// How long the last replies may take when the service stops.
const STOP_TIME_MAX: Duration = Duration::from_secs(1);
/// The codes of errors in replies, as in HTTP.
const BAD_REQUEST: usize = 400;
const UNAVAILABLE: usize = 503;

/// The running look-up.
pub struct ContactLookUp {
    client: Client,
    service: service::Service,
    replying: JoinHandle<()>,
}

impl ContactLookUp {
    /// Starts to reply to requests.
    ///
    /// # Errors
    /// When the client has ended.
    pub async fn start(client: Client, customers: Service) -> Result<Self, std::io::Error> {
        let about = "How a customer is reached: name and mail address";
        let builder = client.service_builder().description(about).queue_group(ENDPOINT);
        let service =
            builder.start(customers.name(), env!("CARGO_PKG_VERSION")).await.map_err(std::io::Error::other)?;
        let endpoint = service.endpoint_builder().name(ENDPOINT).add(CONTACT_SUBJECT).await;
        let replying = tokio::spawn(reply(endpoint.map_err(std::io::Error::other)?, customers));
        Ok(Self { client, service, replying })
    }

    /// Leaves further requests to other instances, and replies to those that were received.
    pub async fn stop(self) {
        // Nothing can be done about a connection that is gone.
        let _ = self.service.stop().await;
        let replied = async {
            let _ = self.replying.await;
            let _ = self.client.flush().await;
        };
        if tokio::time::timeout(STOP_TIME_MAX, replied).await.is_err() {
            tracing::warn!("some contact requests were not replied to in time: they are sent again");
        }
    }
}

async fn reply(requests: Endpoint, customers: Service) {
    let customers = &customers;
    requests
        .for_each_concurrent(LOOK_UPS_MAX, async |request| {
            let found = look_up(&request.message.payload, customers).await;
            if let Err(error) = request.respond(found.map(Into::into)).await {
                tracing::warn!(%error, "a contact request got no reply: it is sent again");
            }
        })
        .await;
}

/// Returns the contact that a request asks for, as JSON.
async fn look_up(request: &[u8], customers: &Service) -> Result<Vec<u8>, ErrorReply> {
    let request: ContactRequest = serde_json::from_slice(request).map_err(|error| refused(BAD_REQUEST, error))?;
    let customer = customers.get::<Customer>(&request.customer_id).await.map_err(|error| {
        tracing::error!(%error, customer_id = %request.customer_id, "a customer can't be read: the request gets an error");
        refused(UNAVAILABLE, "the database does not respond: try again in a moment")
    })?;
    let missing = || refused(NO_PROFILE, format!("there is no customer {}", request.customer_id));
    let Customer { name, email, .. } = customer.ok_or_else(missing)?;
    serde_json::to_vec(&Contact { name, email }).map_err(|error| refused(UNAVAILABLE, error))
}

fn refused(code: usize, status: impl ToString) -> ErrorReply {
    ErrorReply { code, status: status.to_string() }
}
