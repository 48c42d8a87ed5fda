//! Rows: what a service keeps, and several rows of one table as a function takes them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::declare::key::Key;

/// The state of one thing that a service keeps: a row in a table of its own.
///
/// The service's migrations make the table, with the columns `key`, `version` and `state` (this type as JSON), and
/// generated columns for what the service lists it by. Fields of a stored state that this type does not know, because a
/// newer version of the service wrote them, are kept when the row is written again: in the row itself, and in structs and
/// maps within it, but not in lists, enums and `#[serde(flatten)]`. So a row of several states that have data of their own
/// is better a struct with an enum in a field than the enum itself. Derive it:
///
/// ```
/// use choreography::Row;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
/// #[row(table = "payment", key = u64)]
/// struct Payment {
///     amount_minor: i64,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row",
    label = "a function's rows are `&mut S`, `&mut Option<S>` or `&mut Rows<S>` with a row `S`",
    note = "derive `choreography::Row` for it"
)]
pub trait Row: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The table's name.
    const TABLE: &'static str;
    /// What identifies a row of the table.
    type Key: Key;

    /// Whether the row's story has ended here: no message or command moves it on any more, and none publishes a step
    /// because of it. Notes may still be written into it. The derive's argument `final` names the method that says so;
    /// without it no row is final.
    ///
    /// The engine never asks. It is for those who look at a story, and for the properties that tests check (feature
    /// `testing`).
    ///
    /// ```
    /// use choreography::Row;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    /// #[row(table = "payment", key = u64, final = has_ended)]
    /// enum Payment {
    ///     Pending,
    ///     Confirmed,
    ///     Cancelled,
    /// }
    ///
    /// impl Payment {
    ///     fn has_ended(&self) -> bool {
    ///         *self == Self::Cancelled
    ///     }
    /// }
    /// assert!(Payment::Cancelled.is_final() && !Payment::Confirmed.is_final());
    /// ```
    fn is_final(&self) -> bool {
        false
    }
}

/// Marks [`Rows`] whose keys come from the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByMessage;

/// Several rows of one table: those that the message concerns, or, as `Rows<S, O>`, those that the message's row `O`
/// concerns (see [`Concerns`](crate::Concerns)).
///
/// Rows of other keys can be neither read nor written.
///
/// ```
/// # use choreography::{Message, Row, Rows};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, Clone, Serialize, Deserialize, Message)]
/// #[message(name = "reserve-stock", key = order, role = step, concerns = products)]
/// struct ReserveStock {
///     order: u32,
///     products: Vec<String>,
/// }
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
/// #[row(table = "stock", key = String)]
/// struct Stock {
///     pieces: u32,
/// }
///
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
/// # #[row(table = "reservation", key = u32)]
/// # struct Reservation;
/// fn reserve_stock(_: &ReserveStock, reservation: &mut Option<Reservation>, stock: &mut Rows<Stock>) {
///     if reservation.replace(Reservation).is_none() {
///         stock.iter_mut().for_each(|(_, product)| product.pieces -= 1);
///     }
/// }
///
/// // A test hands over the rows.
/// let message = ReserveStock { order: 7, products: vec!["tea".to_owned()] };
/// let mut stock = Rows::of([("tea".to_owned(), Some(Stock { pieces: 3 }))]);
/// reserve_stock(&message, &mut None, &mut stock);
/// assert_eq!(stock.get(&"tea".to_owned()).unwrap().pieces, 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<S: Row, O = ByMessage> {
    pub(crate) rows: BTreeMap<S::Key, Option<S>>,
    pub(crate) owner: PhantomData<fn() -> O>,
}

impl<S: Row, O> Rows<S, O> {
    /// Returns rows as a test hands them to a reaction: the keys that are concerned, with the rows that exist.
    pub fn of(rows: impl IntoIterator<Item = (S::Key, Option<S>)>) -> Self {
        Self { rows: rows.into_iter().collect(), owner: PhantomData }
    }

    /// Returns the row of a key, if it exists.
    pub fn get(&self, key: &S::Key) -> Option<&S> {
        self.rows.get(key)?.as_ref()
    }

    /// Returns the row of a key, if it exists, to be changed.
    pub fn get_mut(&mut self, key: &S::Key) -> Option<&mut S> {
        self.rows.get_mut(key)?.as_mut()
    }

    /// Returns the rows that exist, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&S::Key, &S)> {
        self.rows.iter().filter_map(|(key, row)| Some((key, row.as_ref()?)))
    }

    /// Returns the rows that exist, to be changed, in the order of their keys.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&S::Key, &mut S)> {
        self.rows.iter_mut().filter_map(|(key, row)| Some((key, row.as_mut()?)))
    }

    /// Writes a row, whether it exists or not.
    ///
    /// # Panics
    /// If the key is not concerned.
    pub fn insert(&mut self, key: S::Key, row: S) {
        match self.rows.get_mut(&key) {
            Some(slot) => *slot = Some(row),
            None => panic!("{key} of {} is not among the keys that this message concerns: see `Concerns`", S::TABLE),
        }
    }
}
