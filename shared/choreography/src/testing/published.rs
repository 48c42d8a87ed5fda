//! A published message, as a test looks at it.

use std::fmt::{self, Debug, Display, Formatter};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Envelope;
use crate::bus::Stored;

use crate::wire::dead_letter;

/// A message as a stream has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Published {
    /// Its sequence in the stream, from 1.
    pub sequence: u64,
    /// When the server stored it.
    pub at: Timestamp,
    /// The message, with its headers.
    pub envelope: Envelope,
}

impl Published {
    pub(super) fn all(stored: Vec<Stored>) -> Vec<Self> {
        let published = |Stored { sequence, at, envelope, .. }| Self { sequence, at, envelope };
        stored.into_iter().map(published).collect()
    }

    /// Returns the publisher.
    pub fn publisher(&self) -> &str {
        self.part(|(publisher, _, _)| publisher)
    }

    /// Returns the message's name.
    pub fn message(&self) -> &str {
        self.part(|(_, message, _)| message)
    }

    /// Returns the message's key, as it stands in the subject.
    pub fn key(&self) -> &str {
        self.part(|(_, _, key)| key)
    }

    /// Reads the payload as a message.
    ///
    /// # Panics
    /// When it is another message.
    pub fn read<M: DeserializeOwned>(&self) -> M {
        serde_json::from_slice(&self.envelope.payload).unwrap_or_else(|error| panic!("reading {self}: {error}"))
    }

    fn part<'a>(&'a self, part: fn((&'a str, &'a str, &'a str)) -> &'a str) -> &'a str {
        self.envelope.parts().map_or("", part)
    }
}

/// `order.create-delivery`: who published what.
impl Display for Published {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.publisher(), self.message())
    }
}

impl Debug for Published {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let payload: Value = serde_json::from_slice(&self.envelope.payload).unwrap_or_default();
        write!(f, "{} {} {payload}", self.sequence, self.envelope.subject)?;
        let header = |name| self.envelope.header(name);
        match (header(dead_letter::REASON), header(dead_letter::DETAIL)) {
            (Some(reason), Some(detail)) => write!(f, " died: {reason}, {detail}"),
            _ => Ok(()),
        }
    }
}
