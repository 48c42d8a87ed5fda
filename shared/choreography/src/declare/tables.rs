//! The rows of one batch, in memory: typed inside, found by their type outside.
//!
//! Reactions work on copies; what they changed is put back here and written once, at the commit.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};

use crate::declare::row::Row;
use crate::wire::subject::InvalidKey;

/// Why a function can't be called yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unready {
    /// Its rows have not been loaded.
    NotLoaded,
    /// A row that it needs does not exist.
    Missing {
        /// The table of the missing row.
        table: &'static str,
        /// Its key.
        key: String,
    },
    /// It publishes a message that is larger than a message may be.
    TooLarge(String),
    /// It publishes a message of this name whose key can't stand in a subject.
    InvalidKey(&'static str, InvalidKey),
}

/// A stored row whose state is not what its type can read.
#[derive(Debug, thiserror::Error)]
#[error("reading row {key} of {table}: {source}")]
pub(crate) struct UnreadableRow {
    table: &'static str,
    key: String,
    source: serde_json::Error,
}

/// A stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The key, as text.
    pub key: String,
    /// Counts the writes, from 1.
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
    /// The version that was loaded, 0 if there was no row. The new one is one higher.
    pub version: i64,
    /// The new state as JSON; none deletes the row, and changes nothing if there was none.
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
    pub(crate) fn register<S: Row>(&mut self) {
        self.tables.entry(TypeId::of::<S>()).or_insert_with(|| Box::new(Table::<S>::new()));
    }

    /// Tables of the same kinds, with nothing loaded.
    pub(crate) fn emptied(&self) -> Tables {
        Tables { tables: self.tables.iter().map(|(id, table)| (*id, table.emptied())).collect() }
    }

    pub(crate) fn of<S: Row>(&mut self) -> &mut Table<S> {
        let table = self.tables.get_mut(&TypeId::of::<S>());
        let table = table.and_then(|table| table.as_any_mut().downcast_mut());
        table.expect("tables are registered when the choreography is made")
    }

    pub(crate) fn get<S: Row>(&self) -> &Table<S> {
        let table = self.tables.get(&TypeId::of::<S>());
        let table = table.and_then(|table| table.as_any().downcast_ref());
        table.expect("tables are registered when the choreography is made")
    }

    /// Whether any keys are wanted and not loaded.
    pub(crate) fn wants(&self) -> bool {
        self.tables.values().any(|table| table.wants())
    }

    /// Takes the keys that are wanted and not loaded, sorted, table by table.
    pub(crate) fn take_wanted(&mut self) -> Vec<(TypeId, &'static str, Vec<String>)> {
        let tables = self.tables.iter_mut();
        let mut wanted: Vec<_> = tables
            .map(|(id, table)| (*id, table.name(), table.take_wanted()))
            .filter(|(_, _, keys)| !keys.is_empty())
            .collect();
        wanted.sort_by_key(|(_, name, _)| *name);
        wanted
    }

    /// Fills in what was found for wanted keys; those not found are known to be missing.
    pub(crate) fn fill(&mut self, table: TypeId, found: Vec<StoredRow>) -> Result<(), UnreadableRow> {
        self.tables.get_mut(&table).expect("wanted keys name registered tables").fill(found)
    }

    /// How many changes were made so far.
    pub(crate) fn changed(&self) -> u64 {
        self.tables.values().map(|table| table.changed()).sum()
    }

    /// What was changed, in the order of tables and keys.
    pub(crate) fn changes(&self) -> Vec<RowChange> {
        let mut changes: Vec<RowChange> = self.tables.values().flat_map(|table| table.changes()).collect();
        changes.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        changes
    }

    /// The rows that did not exist when they were loaded and do now.
    pub(crate) fn created(&self) -> Vec<(&'static str, String)> {
        self.tables.values().flat_map(|table| table.created()).collect()
    }

    pub(crate) fn names(&self) -> BTreeSet<&'static str> {
        self.tables.values().map(|table| table.name()).collect()
    }
}

trait AnyTable: Send + Sync {
    fn name(&self) -> &'static str;
    fn emptied(&self) -> Box<dyn AnyTable>;
    fn wants(&self) -> bool;
    fn take_wanted(&mut self) -> Vec<String>;
    fn fill(&mut self, found: Vec<StoredRow>) -> Result<(), UnreadableRow>;
    fn changed(&self) -> u64;
    fn changes(&self) -> Vec<RowChange>;
    fn created(&self) -> Vec<(&'static str, String)>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// One table's rows in a batch.
pub(crate) struct Table<S: Row> {
    slots: HashMap<S::Key, Slot<S>>,
    wanted: BTreeSet<S::Key>,
    /// Keys on their way from the store, to be filled.
    loading: Vec<S::Key>,
    changed: u64,
}

struct Slot<S> {
    current: Option<S>,
    /// The stored version; 0 when the row does not exist.
    version: i64,
    changed: bool,
}

impl<S: Row> Table<S> {
    fn new() -> Self {
        Self { slots: HashMap::new(), wanted: BTreeSet::new(), loading: Vec::new(), changed: 0 }
    }

    pub(crate) fn want(&mut self, key: S::Key) {
        if !self.slots.contains_key(&key) {
            self.wanted.insert(key);
        }
    }

    pub(crate) fn current(&self, key: &S::Key) -> Result<Option<&S>, Unready> {
        self.slots.get(key).map(|slot| slot.current.as_ref()).ok_or(Unready::NotLoaded)
    }

    pub(crate) fn put(&mut self, key: &S::Key, row: Option<S>) {
        let slot = self.slots.get_mut(key).expect("only loaded rows are put back");
        if slot.current != row {
            slot.current = row;
            slot.changed = true;
            self.changed += 1;
        }
    }
}

impl<S: Row> AnyTable for Table<S> {
    fn name(&self) -> &'static str {
        S::TABLE
    }

    fn emptied(&self) -> Box<dyn AnyTable> {
        Box::new(Self::new())
    }

    fn wants(&self) -> bool {
        !self.wanted.is_empty()
    }

    fn take_wanted(&mut self) -> Vec<String> {
        self.loading = std::mem::take(&mut self.wanted).into_iter().collect();
        self.loading.iter().map(ToString::to_string).collect()
    }

    fn fill(&mut self, found: Vec<StoredRow>) -> Result<(), UnreadableRow> {
        let mut found: HashMap<String, StoredRow> = found.into_iter().map(|row| (row.key.clone(), row)).collect();
        for key in std::mem::take(&mut self.loading) {
            let slot = match found.remove(&key.to_string()) {
                Some(row) => {
                    let unreadable = |source| UnreadableRow { table: S::TABLE, key: key.to_string(), source };
                    let state = serde_json::from_str(&row.state).map_err(unreadable)?;
                    Slot { current: Some(state), version: row.version, changed: false }
                }
                None => Slot { current: None, version: 0, changed: false },
            };
            self.slots.insert(key, slot);
        }
        Ok(())
    }

    fn changed(&self) -> u64 {
        self.changed
    }

    fn changes(&self) -> Vec<RowChange> {
        let changed = self.slots.iter().filter(|(_, slot)| slot.changed);
        changed
            .filter(|(_, slot)| slot.version > 0 || slot.current.is_some())
            .map(|(key, slot)| RowChange {
                table: S::TABLE,
                key: key.to_string(),
                version: slot.version,
                state: slot.current.as_ref().map(|row| {
                    serde_json::to_string(row)
                        .unwrap_or_else(|error| panic!("{} {key} can't be written as JSON: {error}", S::TABLE))
                }),
            })
            .collect()
    }

    fn created(&self) -> Vec<(&'static str, String)> {
        let created = self.slots.iter().filter(|(_, slot)| slot.version == 0 && slot.current.is_some());
        created.map(|(key, _)| (S::TABLE, key.to_string())).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
