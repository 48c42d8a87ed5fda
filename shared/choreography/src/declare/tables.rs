//! The rows of one batch in memory, by table.
//!
//! Functions work on copies of the rows. Changed rows are put back here and are written once, at the commit.

use std::any::TypeId;
use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::declare::row::Row;
use crate::declare::stored_row::{RowChange, StoredRow, UnreadableRow, UnwritableRow};
use crate::declare::table::{AnyTable, Table};

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

    /// Puts the rows that were loaded into a table, and returns those that are unreadable. Wanted keys without a row are
    /// missing from now on.
    pub(crate) fn fill(&mut self, table: TypeId, found: Vec<StoredRow>) -> Vec<UnreadableRow> {
        self.tables.get_mut(&table).expect("wanted keys name registered tables").fill(found)
    }

    /// Returns the number of changes until now.
    pub(crate) fn changed(&self) -> u64 {
        self.tables.values().map(|table| table.changed()).sum()
    }

    /// Returns the changed rows, in the order of tables and keys.
    ///
    /// # Errors
    /// A row can't be written as JSON.
    pub(crate) fn changes(&self) -> Result<Vec<RowChange>, UnwritableRow> {
        let mut changes = Vec::new();
        for table in self.tables.values() {
            changes.extend(table.changes()?);
        }
        changes.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        Ok(changes)
    }

    /// Whether a row is loaded, exists and is readable.
    pub(crate) fn exists(&self, table: &str, key: &str) -> bool {
        self.tables.values().any(|any| any.name() == table && any.exists(key))
    }

    /// Returns the tables and keys of rows that functions have created since this was called last, sorted.
    pub(crate) fn take_created(&mut self) -> Vec<(&'static str, String)> {
        let tables = self.tables.values_mut().map(|table| (table.name(), table.take_created()));
        let mut created: Vec<_> =
            tables.flat_map(|(name, keys)| keys.into_iter().map(move |key| (name, key))).collect();
        created.sort_unstable();
        created
    }

    /// Returns what is wrong with a row of a table, none if it is readable.
    pub(crate) fn check(&self, table: &str, row: &StoredRow) -> Option<UnreadableRow> {
        self.tables.values().find(|any| any.name() == table)?.check(row)
    }

    /// Returns the type of a table's keys.
    #[cfg(feature = "testing")]
    pub(crate) fn key_type(&self, table: &str) -> Option<TypeId> {
        Some(self.tables.values().find(|any| any.name() == table)?.key_type())
    }

    /// Whether a row of a table is readable and final.
    #[cfg(feature = "testing")]
    pub(crate) fn is_final(&self, table: &str, row: &StoredRow) -> bool {
        self.tables.values().any(|any| any.name() == table && any.is_final(row))
    }

    /// Whether the rows of a table are an enum that is written with the variant's name around its data.
    #[cfg(feature = "testing")]
    pub(crate) fn is_tagged_by_name(&self, table: &str) -> bool {
        self.tables.values().any(|any| any.name() == table && any.is_tagged_by_name())
    }

    /// Returns the tables' names.
    pub(crate) fn names(&self) -> BTreeSet<&'static str> {
        self.tables.values().map(|table| table.name()).collect()
    }
}
