//! One table's rows in a batch, and how [`Tables`](crate::declare::tables::Tables) see a table of any row type.

use std::any::Any;
#[cfg(feature = "testing")]
use std::any::TypeId;
use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::declare::guarded::guarded;
use crate::declare::row::Row;
use crate::declare::stored_row::{RowChange, StoredRow, UnreadableRow, UnwritableRow};
use crate::declare::unknown_fields::UnknownFields;
use crate::declare::unready::Unready;
#[cfg(feature = "testing")]
use crate::samples::is_tagged_by_name;
use crate::wire::dead_letter::one_line;

/// A table of any row type. The methods are those of `Tables`.
pub(crate) trait AnyTable: Send + Sync {
    fn name(&self) -> &'static str;
    fn emptied(&self) -> Box<dyn AnyTable>;
    fn wants(&self) -> bool;
    fn take_wanted(&mut self) -> Vec<String>;
    fn fill(&mut self, found: Vec<StoredRow>) -> Vec<UnreadableRow>;
    fn check(&self, row: &StoredRow) -> Option<UnreadableRow>;
    #[cfg(feature = "testing")]
    fn key_type(&self) -> TypeId;
    #[cfg(feature = "testing")]
    fn is_final(&self, row: &StoredRow) -> bool;
    #[cfg(feature = "testing")]
    fn is_tagged_by_name(&self) -> bool;
    fn changed(&self) -> u64;
    fn changes(&self) -> Result<Vec<RowChange>, UnwritableRow>;
    fn exists(&self, key: &str) -> bool;
    fn take_created(&mut self) -> Vec<String>;
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
    /// The keys whose rows functions have created since they were last taken.
    created: Vec<S::Key>,
}

struct Slot<S> {
    /// The row, if there is one, or why it is unreadable.
    current: Result<Option<S>, String>,
    /// The version that was loaded; 0 if there was no row.
    version: i64,
    changed: bool,
    /// What a newer version of the service has added to the stored state.
    unknown: UnknownFields,
}

impl<S: Row> Table<S> {
    pub(crate) fn new() -> Self {
        Self { slots: HashMap::new(), wanted: BTreeSet::new(), loading: Vec::new(), changed: 0, created: Vec::new() }
    }

    /// Adds a key to those to load, unless its row is here.
    pub(crate) fn want(&mut self, key: S::Key) {
        if !self.slots.contains_key(&key) {
            self.wanted.insert(key);
        }
    }

    /// Returns the row of a key, as the batch has changed it.
    pub(crate) fn current(&self, key: &S::Key) -> Result<Option<&S>, Unready> {
        match &self.slots.get(key).ok_or(Unready::NotLoaded)?.current {
            Ok(row) => Ok(row.as_ref()),
            Err(problem) => {
                Err(Unready::Unreadable { table: S::TABLE, key: key.to_string(), problem: problem.clone() })
            }
        }
    }

    /// Puts a row back, changed or not.
    pub(crate) fn put(&mut self, key: &S::Key, row: Option<S>) {
        let slot = self.slots.get_mut(key).expect("only loaded rows are put back");
        if slot.current.as_ref() != Ok(&row) {
            if row.is_some() && slot.current == Ok(None) {
                self.created.push(key.clone());
            }
            slot.current = Ok(row);
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

    fn fill(&mut self, found: Vec<StoredRow>) -> Vec<UnreadableRow> {
        let found: HashMap<&str, &StoredRow> = found.iter().map(|row| (row.key.as_str(), row)).collect();
        let mut unreadable = Vec::new();
        self.slots.reserve(self.loading.len());
        for key in std::mem::take(&mut self.loading) {
            let (read, version) = match found.get(&*key.to_string()) {
                Some(row) => (read(row).map(|(state, unknown)| (Some(state), unknown)), row.version),
                None => (Ok((None, UnknownFields::default())), 0),
            };
            let (current, unknown) = match read {
                Ok((row, unknown)) => (Ok(row), unknown),
                Err(problem) => {
                    unreadable.push(UnreadableRow { table: S::TABLE, key: key.to_string(), problem: problem.clone() });
                    (Err(problem), UnknownFields::default())
                }
            };
            self.slots.insert(key, Slot { current, version, changed: false, unknown });
        }
        unreadable
    }

    fn check(&self, row: &StoredRow) -> Option<UnreadableRow> {
        let problem = read::<S>(row).err()?;
        Some(UnreadableRow { table: S::TABLE, key: row.key.clone(), problem })
    }

    #[cfg(feature = "testing")]
    fn key_type(&self) -> TypeId {
        TypeId::of::<S::Key>()
    }

    #[cfg(feature = "testing")]
    fn is_final(&self, row: &StoredRow) -> bool {
        read::<S>(row).is_ok_and(|(row, _)| row.is_final())
    }

    #[cfg(feature = "testing")]
    fn is_tagged_by_name(&self) -> bool {
        is_tagged_by_name::<S>()
    }

    fn changed(&self) -> u64 {
        self.changed
    }

    fn changes(&self) -> Result<Vec<RowChange>, UnwritableRow> {
        let changed = self.slots.iter().filter(|(_, slot)| slot.changed);
        changed
            .filter_map(|(key, slot)| Some((key, slot.version, &slot.unknown, slot.current.as_ref().ok()?.as_ref())))
            .filter(|(_, version, _, row)| *version > 0 || row.is_some())
            .map(|(key, version, unknown, row)| {
                let key = key.to_string();
                match row.map(|row| write(row, unknown)).transpose() {
                    Ok(state) => Ok(RowChange { table: S::TABLE, key, version, state: state.map(Into::into) }),
                    Err(problem) => Err(UnwritableRow { table: S::TABLE, key, problem }),
                }
            })
            .collect()
    }

    fn exists(&self, key: &str) -> bool {
        let slot = key.parse().ok().and_then(|key: S::Key| self.slots.get(&key));
        slot.is_some_and(|slot| matches!(slot.current, Ok(Some(_))))
    }

    fn take_created(&mut self) -> Vec<String> {
        std::mem::take(&mut self.created).iter().map(ToString::to_string).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// Returns the state of a row, and the fields that its type does not know.
fn read<S: Row>(row: &StoredRow) -> Result<(S, UnknownFields), String> {
    // An error quotes what it found, which may be long.
    let read = guarded(|| UnknownFields::read(&row.state)).and_then(|read| read.map_err(|error| error.to_string()));
    read.map_err(|problem| one_line(&problem))
}

/// Returns a row as it is stored, with the fields that its type does not know.
fn write<S: Row>(row: &S, unknown: &UnknownFields) -> Result<String, String> {
    let written = guarded(|| unknown.write(row)).and_then(|state| state.map_err(|error| error.to_string()));
    written.map_err(|problem| one_line(&problem))
}
