//! `.unless`: when an effect is not run any more.

use crate::declare::call::{ErasedInput, input_of};
use crate::declare::incoming::Incoming;
use crate::declare::message::Message;
use crate::declare::row::Row;
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;

type OfTables = Box<dyn Fn(&ErasedInput, &Tables) -> Result<Option<String>, Unready> + Send + Sync>;
type OfStored = Box<dyn Fn(&ErasedInput, Option<&str>) -> Result<Option<String>, String> + Send + Sync>;

/// A function that says why an effect is not run any more, with its types erased.
pub(crate) struct Unless {
    /// The table of the row that it looks at.
    pub table: &'static str,
    want: fn(&ErasedInput, &mut Tables),
    of_tables: OfTables,
    of_stored: OfStored,
}

impl Unless {
    pub(crate) fn new<M, S, F>(function: F) -> Self
    where
        M: Message,
        S: Row<Key = M::Key>,
        F: Fn(&M, Option<&S>) -> Option<String> + Send + Sync + Clone + 'static,
    {
        let of_stored = function.clone();
        Self {
            table: S::TABLE,
            want: |input, tables| tables.of::<S>().want(input_of::<Incoming<M>>(input).key()),
            of_tables: Box::new(move |input, tables| {
                let message = input_of::<Incoming<M>>(input);
                Ok(function(message, tables.get::<S>().current(&message.key())?))
            }),
            of_stored: Box::new(move |input, state| {
                let row = state.map(serde_json::from_str::<S>).transpose();
                let row = row.map_err(|error| format!("the row of {} is unreadable: {error}", S::TABLE))?;
                Ok(of_stored(input_of::<Incoming<M>>(input), row.as_ref()))
            }),
        }
    }

    /// Adds the key of the row to those to load.
    pub(crate) fn want(&self, input: &ErasedInput, tables: &mut Tables) {
        (self.want)(input, tables);
    }

    /// Returns why the effect is not run, by the row as a batch has it; none if it is run.
    ///
    /// # Errors
    /// The row is not loaded.
    pub(crate) fn reason(&self, input: &ErasedInput, tables: &Tables) -> Result<Option<String>, Unready> {
        (self.of_tables)(input, tables)
    }

    /// Returns why the effect is not run, by the state of the stored row; none if it is run.
    ///
    /// # Errors
    /// The state is unreadable.
    pub(crate) fn reason_of(&self, input: &ErasedInput, state: Option<&str>) -> Result<Option<String>, String> {
        (self.of_stored)(input, state)
    }
}
