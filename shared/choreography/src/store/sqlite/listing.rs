//! The statement that lists a page of rows.

use super::statement::plain;
use crate::store::{Listing, StoreError};

/// Returns the statement for a page. Its values are those of the conditions, the key after which the page begins, if
/// there is one, and the limit.
pub(super) fn text(listing: &Listing) -> Result<String, StoreError> {
    let table = plain(listing.table)?;
    let (compare, order) = if listing.descending { ("<", "desc") } else { (">", "asc") };
    let mut text = format!("select key, version, state from \"{table}\" as row where true");
    for (index, condition) in listing.conditions.iter().enumerate() {
        // Qualified: an unqualified name of a column that does not exist would be a string to SQLite.
        text.push_str(&format!(" and row.\"{}\" = ${}", plain(condition.column)?, index + 1));
    }
    let mut next = listing.conditions.len() + 1;
    if listing.after.is_some() {
        text.push_str(&format!(" and row.key {compare} ${next}"));
        next += 1;
    }
    text.push_str(&format!(" order by row.key {order} limit ${next}"));
    Ok(text)
}
