//! Asks the customer service how a customer is reached, by a request on the message server.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE};
use async_nats::{Client, Message, Request, RequestError};
use contracts::customer::NO_PROFILE;
use contracts::{CONTACT_SUBJECT, Contact, ContactRequest, CustomerId};

/// How customers are reached.
pub struct Contacts {
    source: Source,
}

enum Source {
    Service(Client),
    Known(BTreeMap<CustomerId, Contact>),
    Unreachable,
}

/// Why a customer could not be looked up. Another try may succeed.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// The customer service did not reply, or there is none.
    #[error("the customer service does not reply")]
    NoReply(#[from] RequestError),
    /// It replied with an error.
    #[error("the customer service replied with an error: {0}")]
    Refused(String),
    /// Request or reply can't be written or read.
    #[error("the request or its reply can't be read")]
    Unreadable(#[from] serde_json::Error),
    /// The test lets it fail.
    #[error("the customer service is unreachable, as the test has it")]
    Unreachable,
}

impl Contacts {
    /// Returns contacts that the customer service is asked for.
    pub fn of_service(client: Client) -> Self {
        Self { source: Source::Service(client) }
    }

    /// Returns contacts for tests: those of these customers, and of no others.
    pub fn known(contacts: impl IntoIterator<Item = (CustomerId, Contact)>) -> Self {
        Self { source: Source::Known(contacts.into_iter().collect()) }
    }

    /// Returns contacts for tests that can't be looked up.
    pub fn unreachable() -> Self {
        Self { source: Source::Unreachable }
    }

    /// Returns how a customer is reached; none if there is no profile.
    ///
    /// # Errors
    /// When there was no reply in time, or an error for another reason.
    pub async fn find(&self, customer_id: CustomerId, time_max: Duration) -> Result<Option<Contact>, ContactError> {
        let client = match &self.source {
            Source::Service(client) => client,
            Source::Known(contacts) => return Ok(contacts.get(&customer_id).cloned()),
            Source::Unreachable => return Err(ContactError::Unreachable),
        };
        let request = serde_json::to_vec(&ContactRequest { customer_id })?;
        let request = Request::new().payload(request.into()).timeout(Some(time_max));
        read(&client.send_request(CONTACT_SUBJECT, request).await?)
    }
}

/// Reads a reply: a contact, or an error of the service API.
fn read(reply: &Message) -> Result<Option<Contact>, ContactError> {
    let header = |name| reply.headers.as_ref().and_then(|headers| headers.get(name)).map(ToString::to_string);
    match header(NATS_SERVICE_ERROR_CODE) {
        None => Ok(Some(serde_json::from_slice(&reply.payload)?)),
        Some(code) if code == NO_PROFILE.to_string() => Ok(None),
        Some(code) => {
            let text = header(NATS_SERVICE_ERROR).unwrap_or_default();
            Err(ContactError::Refused(format!("{code} {text}")))
        }
    }
}
