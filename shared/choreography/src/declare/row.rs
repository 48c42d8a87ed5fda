//! What a service keeps: rows, and the ways in which a reaction may ask for them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::declare::message::Key;

/// One thing that a service keeps, in a table of its own: a key, a version, and this state as JSON.
///
/// The table is made by the service's migrations, with the columns `key`, `version` and `state`, and
/// generated columns for what the service lists it by.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no row",
    label = "a reaction's rows are `&mut S`, `&mut Option<S>` or `&mut Rows<S>` with a row `S`",
    note = "implement `choreography::Row` for it"
)]
pub trait Row: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The table's name.
    const TABLE: &'static str;
    /// What identifies a row.
    type Key: Key;
}

/// Where [`Rows`] take their keys from when it is the message itself that carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByMessage;

/// Several rows of one table: those that the message concerns, or, as `Rows<S, O>`, those that its row `O` concerns.
///
/// Only these are there; a key that is not concerned can be neither read nor written.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<S: Row, O = ByMessage> {
    pub(crate) rows: BTreeMap<S::Key, Option<S>>,
    pub(crate) owner: PhantomData<fn() -> O>,
}

impl<S: Row, O> Rows<S, O> {
    /// Rows as a test gives them to a reaction: those that exist, and keys of those that don't.
    pub fn of(rows: impl IntoIterator<Item = (S::Key, Option<S>)>) -> Self {
        Self { rows: rows.into_iter().collect(), owner: PhantomData }
    }

    /// The row of a key, if there is one.
    pub fn get(&self, key: &S::Key) -> Option<&S> {
        self.rows.get(key)?.as_ref()
    }

    /// The row of a key, to be changed.
    pub fn get_mut(&mut self, key: &S::Key) -> Option<&mut S> {
        self.rows.get_mut(key)?.as_mut()
    }

    /// The rows that exist, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&S::Key, &S)> {
        self.rows.iter().filter_map(|(key, row)| Some((key, row.as_ref()?)))
    }

    /// The rows that exist, to be changed, in the order of their keys.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&S::Key, &mut S)> {
        self.rows.iter_mut().filter_map(|(key, row)| Some((key, row.as_mut()?)))
    }

    /// Writes a row, new or not.
    ///
    /// # Panics
    /// When the message does not concern this key: the runtime could not have loaded it.
    pub fn insert(&mut self, key: S::Key, row: S) {
        match self.rows.get_mut(&key) {
            Some(place) => *place = Some(row),
            None => panic!("the message does not concern {key} of {}: declare it with `Concerns`", S::TABLE),
        }
    }
}
