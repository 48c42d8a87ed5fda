//! Lists a page of the rows in memory.

use serde_json::Value;

use super::data::Data;
use crate::store::{Comparison, Condition, KEY, Listing, StoredRow};

impl Data {
    /// Returns a page of rows. Where SQLite compares a generated column, the field of that name in the state is
    /// compared.
    pub(super) fn list(&self, listing: &Listing) -> Vec<StoredRow> {
        let Some(rows) = self.tables.get(listing.table) else { return Vec::new() };
        if let [Condition { column: KEY, comparison: Comparison::Is, value }] = &*listing.conditions
            && listing.after.is_none()
        {
            return rows.get(value).filter(|_| listing.limit > 0).cloned().into_iter().collect();
        }
        let sort_key = |row: &StoredRow| (value(row, listing.sorted_by), row.key.clone());
        let before = match &listing.after {
            Some(after) if listing.sorted_by == KEY => Some((Some(after.clone()), after.clone())),
            Some(after) => match rows.get(after) {
                Some(row) => Some(sort_key(row)),
                None => return Vec::new(),
            },
            None => None,
        };
        let listed = rows.values().filter(|row| holds(listing, row)).map(|row| (sort_key(row), row));
        let mut listed: Vec<_> = listed
            .filter(|(key, _)| {
                before.as_ref().is_none_or(|before| if listing.descending { key < before } else { key > before })
            })
            .collect();
        listed.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        if listing.descending {
            listed.reverse();
        }
        listed.into_iter().take(listing.limit as usize).map(|(_, row)| row.clone()).collect()
    }
}

/// Returns the text of a column. Fields that are texts or numbers have one; any other has none, nor has a field of a
/// state that is unreadable.
fn value(row: &StoredRow, column: &str) -> Option<String> {
    if column == KEY {
        return Some(row.key.clone());
    }
    let state: Value = serde_json::from_str(&row.state).unwrap_or_default();
    match state.get(column)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        // Databases differ in how they write anything else as text.
        _ => None,
    }
}

/// Whether all conditions hold for a row.
fn holds(listing: &Listing, row: &StoredRow) -> bool {
    listing.conditions.iter().all(|condition| {
        value(row, condition.column).is_some_and(|value| match condition.comparison {
            Comparison::Is => value == condition.value,
            Comparison::AtLeast => value >= condition.value,
            Comparison::Below => value < condition.value,
        })
    })
}
