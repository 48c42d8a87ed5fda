//! What the circuit breaker has to know about a death, as headers of the dead letter.

use super::envelope::Envelope;
use super::headers::Headers;
use super::role::Role;

/// The [`Role`] of the message.
pub(super) const ROLE: &str = "dead-role";
/// How many messages of this name the service had processed in the 5 seconds before.
const PROCESSED: &str = "dead-processed";
/// Marks the death of a message that an operator had replayed.
const REPLAYED: &str = "dead-replayed";

/// What the circuit breaker has to know about a death.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// The role of the message; none if the service does not know the message.
    pub role: Option<Role>,
    /// How many messages of this name the service had processed in the 5 seconds before.
    pub processed: u64,
    /// Whether an operator had replayed it.
    pub replayed: bool,
}

impl Circumstances {
    /// Returns the headers with those of the circumstances.
    pub(super) fn add_to(self, headers: Headers) -> Headers {
        let headers = headers.with(PROCESSED, self.processed.to_string());
        let headers = self.role.map_or(headers.clone(), |role| headers.with(ROLE, role.as_str()));
        if self.replayed { headers.with(REPLAYED, "true") } else { headers }
    }

    /// Reads the circumstances of a dead letter. What is missing or unreadable counts as nothing: dead letters of earlier
    /// versions have none of these headers.
    pub(crate) fn read(dead_letter: &Envelope) -> Self {
        Self {
            role: dead_letter.header(ROLE).and_then(Role::of_name),
            processed: dead_letter.header(PROCESSED).and_then(|count| count.parse().ok()).unwrap_or_default(),
            replayed: dead_letter.header(REPLAYED).is_some(),
        }
    }
}
