//! The statement that lists a page of rows.

use super::statement::plain;
use crate::store::{Comparison, KEY, Listing, StoreError};

/// Returns the statement for a page. Its values are those of the conditions, the key after which the page begins, if
/// there is one, and the limit.
pub(super) fn text(listing: &Listing) -> Result<String, StoreError> {
    let table = plain(listing.table)?;
    let (compare, order) = if listing.descending { ("<", "desc") } else { (">", "asc") };
    let mut text = format!("select key, version, state from \"{table}\" as row where true");
    for (index, condition) in listing.conditions.iter().enumerate() {
        let operator = match condition.comparison {
            Comparison::Is => "=",
            Comparison::AtLeast => ">=",
            Comparison::Below => "<",
        };
        // Qualified: an unqualified name of a column that does not exist would be a string to SQLite.
        text.push_str(&format!(" and row.\"{}\" {operator} ${}", plain(condition.column)?, index + 1));
    }
    let sorted_by = plain(listing.sorted_by)?;
    let mut next = listing.conditions.len() + 1;
    if listing.after.is_some() {
        text.push_str(&match sorted_by {
            KEY => format!(" and row.key {compare} ${next}"),
            column => format!(
                " and (row.\"{column}\", row.key) {compare} ((select before.\"{column}\" from \"{table}\" as before where before.key = ${next}), ${next})"
            ),
        });
        next += 1;
    }
    let sorting = if sorted_by == KEY { String::new() } else { format!("row.\"{sorted_by}\" {order}, ") };
    text.push_str(&format!(" order by {sorting}row.key {order} limit ${next}"));
    Ok(text)
}
