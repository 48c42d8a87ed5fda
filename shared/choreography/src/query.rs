//! Reading rows outside of a batch: by a column, page by page.

use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::declare::row::Row;
use crate::store::{Comparison, Condition, KEY, Listing, Store, StoreError};

/// The largest number of rows in one page of a list: what a client shows at once.
pub const PAGE_MAX: u32 = 100;

/// A column by which rows are found: `const ORDER: Column<Payment, OrderId> = Column::new("order_id");`.
pub struct Column<S, V> {
    name: &'static str,
    of: PhantomData<fn(S, V)>,
}

impl<S, V> Clone for Column<S, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, V> Copy for Column<S, V> {}

impl<S, V> Column<S, V> {
    /// Returns the column of this name: `key`, or one that the service's migrations generate.
    pub const fn new(name: &'static str) -> Self {
        Self { name, of: PhantomData }
    }
}

/// The page of a list that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The largest number of rows; more than [`PAGE_MAX`] count as that.
    pub limit: u32,
    /// The cursor at the end of the page before; none for the first page.
    pub cursor: Option<String>,
}

/// A query for a page of rows.
pub struct List<S> {
    store: Arc<dyn Store>,
    listing: Listing,
    row: PhantomData<fn() -> S>,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<S> {
    /// The rows.
    pub rows: Vec<S>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// How many rows of this page are left out because they are unreadable: after a typo of a hand edit, or with a value
    /// that this version of the service does not know.
    pub unreadable: usize,
}

impl<S: Row> List<S> {
    pub(crate) fn new(store: Arc<dyn Store>, page: Page) -> Self {
        let limit = page.limit.clamp(1, PAGE_MAX);
        let (table, conditions, after) = (S::TABLE, Vec::new(), page.cursor);
        let listing = Listing { table, conditions, sorted_by: KEY, after, descending: false, limit };
        Self { store, listing, row: PhantomData }
    }

    /// Keeps only the rows in which a column has this value.
    pub fn with<V: Display>(self, column: Column<S, V>, value: &V) -> Self {
        self.keeping(column, Comparison::Is, value)
    }

    /// Keeps only the rows in which a column has this value or a higher one, compared as texts.
    pub fn at_least<V: Display>(self, column: Column<S, V>, value: &V) -> Self {
        self.keeping(column, Comparison::AtLeast, value)
    }

    /// Keeps only the rows in which a column has a lower value than this, compared as texts.
    pub fn below<V: Display>(self, column: Column<S, V>, value: &V) -> Self {
        self.keeping(column, Comparison::Below, value)
    }

    fn keeping<V: Display>(mut self, column: Column<S, V>, comparison: Comparison, value: &V) -> Self {
        self.listing.conditions.push(Condition { column: column.name, comparison, value: value.to_string() });
        self
    }

    /// Sorts by a column that has a text in every row, and by the key where it is the same: an index of column and key
    /// makes that fast. Cursors are keys all the same; the page behind a row that was deleted meanwhile is empty.
    pub fn sorted_by<V>(mut self, column: Column<S, V>) -> Self {
        self.listing.sorted_by = column.name;
        self
    }

    /// Lists from the highest row down: without [`sorted_by`](Self::sorted_by) from the highest key, which is the newest
    /// row where keys are ids of version 7.
    pub fn descending(mut self) -> Self {
        self.listing.descending = true;
        self
    }

    /// Reads the page. Rows that are unreadable are left out and counted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(mut self) -> Result<Listed<S>, StoreError> {
        let limit = self.listing.limit as usize;
        self.listing.limit += 1;
        let mut found = self.store.list(&self.listing).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|row| row.key.clone());
        let rows: Vec<S> = found.iter().filter_map(|row| serde_json::from_str(&row.state).ok()).collect();
        let unreadable = found.len() - rows.len();
        metrics::counter!("choreography_rows_left_out_total", "table" => S::TABLE).increment(unreadable as u64);
        Ok(Listed { rows, next, unreadable })
    }
}
