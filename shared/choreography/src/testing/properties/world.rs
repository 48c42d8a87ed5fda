//! The rows of the service in a story, and what has happened to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::functions::Delivery;
use crate::declare::outgoing::OutgoingMessage;
use crate::declare::stored_row::{RowChange, StoredRow};
use crate::declare::tables::Tables;

/// A field that no type of the service knows. A newer version of the service might have written it.
const UNKNOWN_FIELD: &str = "field-of-a-newer-version";

/// The state of a service: its rows, the messages that wait for one, and what it has published.
#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) rows: BTreeMap<(&'static str, String), StoredRow>,
    /// Messages, each with the table and key of the row that it waits for; the oldest first.
    pub(super) waiting: Vec<(Delivery, (&'static str, String))>,
    pub(super) published: Vec<OutgoingMessage>,
}

/// A row before and after a function, as JSON.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) table: &'static str,
    pub(super) key: String,
    pub(super) before: Option<Arc<str>>,
    pub(super) after: Option<Arc<str>>,
}

impl Change {
    /// Whether the row had a field that its type does not know, and lost it.
    pub(super) fn loses_unknown_field(&self) -> bool {
        let Some(after) = &self.after else { return false };
        self.before.as_deref().is_some_and(has_unknown_field) && !has_unknown_field(after)
    }
}

impl World {
    /// Puts the rows that a function needs into its tables.
    pub(super) fn load(&self, tables: &mut Tables) {
        for (id, table, keys) in tables.take_wanted() {
            let rows = keys.into_iter().filter_map(|key| self.rows.get(&(table, key)).cloned());
            tables.fill(id, rows.collect());
        }
    }

    /// Writes changed rows. New ones get a field that their type does not know, where a newer version of it might have one.
    pub(super) fn write(&mut self, changes: Vec<RowChange>, tables: &Tables) -> Vec<Change> {
        let written = changes.into_iter().map(|RowChange { table, key, version, state }| {
            let at = (table, key.clone());
            let before = self.rows.remove(&at).map(|row| row.state);
            let after = state.map(|state| match before {
                None => with_unknown_field(&state, tables.is_tagged_by_name(table)),
                Some(_) => state,
            });
            if let Some(state) = after.clone() {
                self.rows.insert(at, StoredRow { key: key.clone(), version: version + 1, state });
            }
            Change { table, key, before, after }
        });
        written.collect()
    }

    /// Takes the message that has waited longest for one of these rows.
    pub(super) fn wake(&mut self, changes: &[Change]) -> Option<Delivery> {
        let created = |(table, key): &(&str, String)| {
            let mut created = changes.iter().filter(|change| change.before.is_none() && change.after.is_some());
            created.any(|change| change.table == *table && change.key == *key)
        };
        let index = self.waiting.iter().position(|(_, row)| created(row))?;
        Some(self.waiting.remove(index).0)
    }
}

/// Adds the field to a payload, if it is one that has fields.
pub(super) fn plant(payload: &mut Value) {
    if let Value::Object(fields) = payload {
        fields.insert(UNKNOWN_FIELD.to_owned(), Value::Bool(true));
    }
}

/// Returns a row's state without the field, to be shown.
pub(super) fn without_unknown_field(state: &str) -> Value {
    let mut value = serde_json::from_str(state).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.remove(UNKNOWN_FIELD);
        let within = fields.values_mut().filter_map(Value::as_object_mut);
        within.for_each(|fields| drop(fields.remove(UNKNOWN_FIELD)));
    }
    value
}

/// Adds the field to a row, or, with the name of a variant around its data, to that.
fn with_unknown_field(state: &str, is_tagged_by_name: bool) -> Arc<str> {
    let Ok(mut value) = serde_json::from_str::<Value>(state) else { return state.into() };
    match &mut value {
        Value::Object(variant) if is_tagged_by_name => variant.values_mut().for_each(plant),
        row => plant(row),
    }
    value.to_string().into()
}

fn has_unknown_field(state: &str) -> bool {
    let has = |fields: &Map<String, Value>| fields.contains_key(UNKNOWN_FIELD);
    let fields = serde_json::from_str::<Map<String, Value>>(state);
    fields.is_ok_and(|fields| has(&fields) || fields.values().filter_map(Value::as_object).any(has))
}
