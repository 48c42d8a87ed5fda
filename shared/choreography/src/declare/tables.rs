//! The rows of one batch in memory, by table.
//!
//! Functions work on copies of the rows. Changed rows are put back here and are written once, at the commit.

use std::any::TypeId;
use std::collections::{BTreeSet, HashMap};

use crate::declare::row::Row;
use crate::declare::table::{AnyTable, Table};
use crate::wire::subject::InvalidKey;

/// Why a call of a function has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// A row has not been loaded yet.
    #[error("a row has not been loaded")]
    NotLoaded,
    /// A row that the function needs does not exist.
    #[error("{table} {key} does not exist")]
    Missing {
        /// The row's table.
        table: &'static str,
        /// The row's key.
        key: String,
    },
    /// The function publishes a message that is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The function publishes a message of this name whose key can't stand in a subject.
    #[error("the key of {0} is invalid: {1}")]
    InvalidKey(&'static str, InvalidKey),
}

/// The state of a stored row that is not JSON of its type.
#[derive(Debug, thiserror::Error)]
#[error("reading row {key} of {table}: {source}")]
pub(crate) struct UnreadableRow {
    pub(crate) table: &'static str,
    pub(crate) key: String,
    pub(crate) source: serde_json::Error,
}

/// A stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The key, as text.
    pub key: String,
    /// The number of writes of this row, from 1.
    pub version: i64,
    /// The state, as JSON.
    pub state: String,
}

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: &'static str,
    /// The key, as text.
    pub key: String,
    /// The version that was loaded, 0 if there was no row. The stored one will be one higher.
    pub version: i64,
    /// The new state as JSON; none deletes the row, if there is one.
    pub state: Option<String>,
}

impl RowChange {
    /// Whether it deletes a row that does not exist.
    pub(crate) fn is_nothing(&self) -> bool {
        self.state.is_none() && self.version == 0
    }
}

/// The tables of one batch.
#[derive(Default)]
pub struct Tables {
    tables: HashMap<TypeId, Box<dyn AnyTable>>,
}

impl Tables {
    /// Registers a row type's table.
    ///
    /// # Panics
    /// If another row type has the same table.
    pub(crate) fn register<S: Row>(&mut self) {
        let others = self.tables.iter().filter(|(id, _)| **id != TypeId::of::<S>());
        let taken = others.map(|(_, table)| table.name()).any(|name| name == S::TABLE);
        assert!(!taken, "two row types have the table {}: give each a table of its own", S::TABLE);
        self.tables.entry(TypeId::of::<S>()).or_insert_with(|| Box::new(Table::<S>::new()));
    }

    /// Returns the same tables with nothing loaded.
    pub(crate) fn emptied(&self) -> Tables {
        Tables { tables: self.tables.iter().map(|(id, table)| (*id, table.emptied())).collect() }
    }

    /// Returns a row type's table, to be changed.
    pub(crate) fn of<S: Row>(&mut self) -> &mut Table<S> {
        let table = self.tables.get_mut(&TypeId::of::<S>());
        let table = table.and_then(|table| table.as_any_mut().downcast_mut());
        table.expect("tables are registered when the choreography is made")
    }

    /// Returns a row type's table.
    pub(crate) fn get<S: Row>(&self) -> &Table<S> {
        let table = self.tables.get(&TypeId::of::<S>());
        let table = table.and_then(|table| table.as_any().downcast_ref());
        table.expect("tables are registered when the choreography is made")
    }

    /// Whether there are keys whose rows are wanted and not loaded.
    pub(crate) fn wants(&self) -> bool {
        self.tables.values().any(|table| table.wants())
    }

    /// Returns the keys whose rows are wanted and not loaded, sorted, by table. The caller loads them.
    pub(crate) fn take_wanted(&mut self) -> Vec<(TypeId, &'static str, Vec<String>)> {
        let tables = self.tables.iter_mut();
        let mut wanted: Vec<_> = tables
            .map(|(id, table)| (*id, table.name(), table.take_wanted()))
            .filter(|(_, _, keys)| !keys.is_empty())
            .collect();
        wanted.sort_by_key(|(_, name, _)| *name);
        wanted
    }

    /// Puts the rows that were loaded into a table. Wanted keys without a row are missing from now on.
    pub(crate) fn fill(&mut self, table: TypeId, found: Vec<StoredRow>) -> Result<(), UnreadableRow> {
        self.tables.get_mut(&table).expect("wanted keys name registered tables").fill(found)
    }

    /// Returns the number of changes until now.
    pub(crate) fn changed(&self) -> u64 {
        self.tables.values().map(|table| table.changed()).sum()
    }

    /// Returns the changed rows, in the order of tables and keys.
    pub(crate) fn changes(&self) -> Vec<RowChange> {
        let mut changes: Vec<RowChange> = self.tables.values().flat_map(|table| table.changes()).collect();
        changes.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        changes
    }

    /// Returns the tables and keys of rows that exist and did not when they were loaded.
    pub(crate) fn created(&self) -> Vec<(&'static str, String)> {
        self.tables.values().flat_map(|table| table.created()).collect()
    }

    /// Returns the tables' names.
    pub(crate) fn names(&self) -> BTreeSet<&'static str> {
        self.tables.values().map(|table| table.name()).collect()
    }
}
