//! The rows that batches have found unreadable, until they are mended.

use std::collections::BTreeMap;

use crate::declare::stored_row::UnreadableRow;
use crate::declare::tables::Tables;
use crate::store::{Listing, Store, StoreError};

/// The most rows that are remembered: an operator who mends these finds the next ones.
const REMEMBERED_MAX: usize = 100;

/// The rows that are known to be unreadable, by table and key.
#[derive(Default)]
pub(crate) struct UnreadableRows(BTreeMap<(&'static str, String), String>);

impl UnreadableRows {
    /// Adds rows that a batch has found. Whether any of them is new.
    pub(crate) fn add(&mut self, rows: Vec<UnreadableRow>) -> bool {
        let before = self.0.len();
        for UnreadableRow { table, key, problem } in rows {
            if self.0.len() < REMEMBERED_MAX {
                self.0.insert((table, key), problem);
            }
        }
        self.0.len() > before
    }

    /// Reads the rows again, and forgets those that are readable by now, or gone.
    pub(crate) async fn read_again(&mut self, tables: &Tables, store: &dyn Store) -> Result<(), StoreError> {
        for (table, key) in self.0.keys().cloned().collect::<Vec<_>>() {
            let row = store.list(&Listing::of_key(table, &key)).await?.pop();
            match row.and_then(|row| tables.check(table, &row)) {
                Some(UnreadableRow { problem, .. }) => drop(self.0.insert((table, key), problem)),
                None => drop(self.0.remove(&(table, key))),
            }
        }
        Ok(())
    }

    /// Returns the health of the service's rows: which are unreadable, and what to do.
    pub(crate) fn health(&self) -> Result<(), String> {
        let Some(((table, key), problem)) = self.0.first_key_value() else { return Ok(()) };
        let others = match self.0.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        Err(format!(
            "row {key:?} of {table} is unreadable{others}: {problem}; mend it in the database: until then steps and \
             events that concern it die, and compensations wait"
        ))
    }
}
