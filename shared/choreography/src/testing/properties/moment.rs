//! What a property of a service's own looks at.

use serde_json::Value;

use super::happened::{Happened, Outcome};
use super::world::World;
use crate::{Message, Row};

/// A moment of a story: a message, the rows before and after it, and what the service has published until now.
///
/// See [`Properties::keeps`](super::Properties::keeps) and [`Properties::race`](super::Properties::race).
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    pub(super) before: &'a World,
    pub(super) after: &'a World,
    pub(super) message: &'a str,
    pub(super) happened: &'a [Happened],
}

impl Moment<'_> {
    /// Returns the name of the message or command that came last.
    pub fn message(&self) -> &str {
        self.message
    }

    /// Returns the key of the message or command that came last, as text.
    pub fn key(&self) -> &str {
        self.happened.last().map_or("", |last| &last.delivery.key)
    }

    /// Returns the message or command that came last, if it is an `M` that was done: not one that waits for a row, was
    /// rejected, or has died.
    pub fn done<M: Message>(&self) -> Option<M> {
        if self.message != M::NAME {
            return None;
        }
        let first = self.happened.first().filter(|first| first.outcome == Outcome::Done && !first.is_death)?;
        M::deserialize(&first.delivery.payload).ok()
    }

    /// Returns the rows of a table after the message, in the order of their keys as text.
    pub fn rows<S: Row>(&self) -> Vec<S> {
        rows(self.after)
    }

    /// Returns the rows of a table before the message.
    pub fn rows_before<S: Row>(&self) -> Vec<S> {
        rows(self.before)
    }

    /// Returns the row of a key after the message.
    pub fn row<S: Row>(&self, key: &S::Key) -> Option<S> {
        row(self.after, &key.to_string())
    }

    /// Returns the row of a key before the message.
    pub fn row_before<S: Row>(&self, key: &S::Key) -> Option<S> {
        row(self.before, &key.to_string())
    }

    /// Returns the row that has the message's key, as it is after the message.
    pub fn own_row<S: Row>(&self) -> Option<S> {
        row(self.after, self.key())
    }

    /// Returns the row that has the message's key, as it was before the message.
    pub fn own_row_before<S: Row>(&self) -> Option<S> {
        row(self.before, self.key())
    }

    /// Returns all messages of a type that the service has published since the story began, the scheduled ones among
    /// them.
    pub fn published<M: Message>(&self) -> Vec<M> {
        let published = self.after.published.iter().filter(|message| message.name == M::NAME);
        published.map(|message| read(&message.payload)).collect()
    }
}

fn rows<S: Row>(world: &World) -> Vec<S> {
    let rows = world.rows.iter().filter(|((table, _), _)| *table == S::TABLE);
    rows.map(|(_, row)| read(&row.state)).collect()
}

fn row<S: Row>(world: &World, key: &str) -> Option<S> {
    world.rows.get(&(S::TABLE, key.to_owned())).map(|row| read(&row.state))
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| {
        let value: Value = serde_json::from_str(json).unwrap_or_default();
        panic!("{value} can't be read as {}: {error}", std::any::type_name::<T>())
    })
}
