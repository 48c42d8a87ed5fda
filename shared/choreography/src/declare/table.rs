//! One table's rows in a batch, and how [`Tables`](crate::declare::tables::Tables) see a table of any row type.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};

use crate::declare::row::Row;
use crate::declare::stored_row::{RowChange, StoredRow, UnreadableRow};
use crate::declare::unknown_fields::UnknownFields;
use crate::declare::unready::Unready;

/// A table of any row type. The methods are those of `Tables`.
pub(crate) trait AnyTable: Send + Sync {
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
    /// The keys that the caller of `take_wanted` loads.
    loading: Vec<S::Key>,
    changed: u64,
}

struct Slot<S> {
    current: Option<S>,
    /// The version that was loaded; 0 if there was no row.
    version: i64,
    changed: bool,
    /// What a newer version of the service has added to the stored state.
    unknown: UnknownFields,
}

impl<S: Row> Table<S> {
    pub(crate) fn new() -> Self {
        Self { slots: HashMap::new(), wanted: BTreeSet::new(), loading: Vec::new(), changed: 0 }
    }

    /// Adds a key to those to load, unless its row is here.
    pub(crate) fn want(&mut self, key: S::Key) {
        if !self.slots.contains_key(&key) {
            self.wanted.insert(key);
        }
    }

    /// Returns the row of a key, as the batch has changed it.
    pub(crate) fn current(&self, key: &S::Key) -> Result<Option<&S>, Unready> {
        self.slots.get(key).map(|slot| slot.current.as_ref()).ok_or(Unready::NotLoaded)
    }

    /// Puts a row back, changed or not.
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
                    let (state, unknown) = UnknownFields::read(&row.state).map_err(unreadable)?;
                    Slot { current: Some(state), version: row.version, changed: false, unknown }
                }
                None => Slot { current: None, version: 0, changed: false, unknown: UnknownFields::default() },
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
                    slot.unknown
                        .write(row)
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
