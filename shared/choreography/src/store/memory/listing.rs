//! Lists a page of the rows in memory.

use serde_json::Value;

use super::data::Data;
use crate::store::{Listing, StoredRow};

impl Data {
    /// Returns a page of rows. Where SQLite compares a generated column, the field of that name in the state is
    /// compared.
    pub(super) fn list(&self, listing: &Listing) -> Vec<StoredRow> {
        let mut page = Vec::new();
        let Some(rows) = self.tables.get(listing.table) else { return page };
        let rows: Box<dyn Iterator<Item = &StoredRow> + Send> = match listing.descending {
            true => Box::new(rows.values().rev()),
            false => Box::new(rows.values()),
        };
        for row in rows {
            let is_after = listing.after.as_ref().is_none_or(|after| match listing.descending {
                true => row.key < *after,
                false => row.key > *after,
            });
            if page.len() < listing.limit as usize && is_after && holds(listing, row) {
                page.push(row.clone());
            }
        }
        page
    }
}

/// Whether all conditions hold for a row. Fields that are texts or numbers are compared; any other never matches, nor
/// does a field of a state that is unreadable.
fn holds(listing: &Listing, row: &StoredRow) -> bool {
    let state: Value = serde_json::from_str(&row.state).unwrap_or_default();
    listing.conditions.iter().all(|condition| match condition.column {
        "key" => row.key == condition.value,
        column => match state.get(column) {
            Some(Value::String(text)) => *text == condition.value,
            Some(Value::Number(number)) => number.to_string() == condition.value,
            // Databases differ in how they write anything else as text.
            _ => false,
        },
    })
}
