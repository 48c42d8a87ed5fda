//! Statements over lists: one statement for many rows, because each costs a hop to the thread of its connection.

use std::fmt::Display;

use anyhow::anyhow;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use crate::store::StoreError;

/// How many values may be bound to one statement: `SQLITE_MAX_VARIABLE_NUMBER`, <https://www.sqlite.org/limits.html>.
pub(super) const BOUND_MAX: usize = 32_766;

/// A statement whose values are being bound.
pub(super) type Bound<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// A statement around a list of tuples: `before`, the tuple as often as there are rows, `after`.
///
/// Its placeholders are plain `?`: SQLite looks each `$1` up among all those before it, which is quadratic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) before: &'a str,
    pub(super) tuple: &'static str,
    pub(super) after: &'a str,
}

impl Listed<'_> {
    fn rows_max(&self) -> usize {
        BOUND_MAX / self.tuple.matches('?').count()
    }

    fn text(&self, rows: usize) -> String {
        let length = self.before.len() + rows * (self.tuple.len() + 1) + self.after.len();
        let mut text = String::with_capacity(length);
        text.push_str(self.before);
        for index in 0..rows {
            text.push_str(if index == 0 { "" } else { "," });
            text.push_str(self.tuple);
        }
        text.push_str(self.after);
        text
    }

    /// Executes it for all rows, in as few statements as may be, none for none. How many rows were affected.
    pub(super) async fn execute<T: Send>(
        &self,
        connection: &mut SqliteConnection,
        rows: Vec<T>,
        bind: impl for<'q> Fn(Bound<'q>, T) -> Bound<'q> + Send,
    ) -> Result<u64, sqlx::Error> {
        let mut affected = 0;
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let count = rows.len().min(self.rows_max());
            let statement = query(self.text(count));
            let statement = rows.by_ref().take(count).fold(statement, &bind);
            affected += statement.execute(&mut *connection).await?.rows_affected();
        }
        Ok(affected)
    }

    /// Fetches what it selects for all values of the list.
    pub(super) async fn fetch<T: Send>(
        &self,
        connection: &mut SqliteConnection,
        values: Vec<T>,
        bind: impl for<'q> Fn(Bound<'q>, T) -> Bound<'q> + Send,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut fetched = Vec::new();
        let mut values = values.into_iter();
        while values.len() > 0 {
            let count = values.len().min(self.rows_max());
            let statement = query(self.text(count));
            let statement = values.by_ref().take(count).fold(statement, &bind);
            fetched.append(&mut statement.fetch_all(&mut *connection).await?);
        }
        Ok(fetched)
    }
}

/// A statement of a length of its own, that is not worth a place in the cache of prepared statements.
fn query(text: String) -> Bound<'static> {
    sqlx::query(AssertSqlSafe(text)).persistent(false)
}

/// A table's or column's name, if it is one that can stand in a statement as it is.
pub(super) fn plain(name: &str) -> Result<&str, StoreError> {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let goes_on = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    match begins && goes_on {
        true => Ok(name),
        false => Err(StoreError::Database(anyhow!("{name:?} is no plain name: lower case, digits and _ only"))),
    }
}

/// Says what the database was doing when it failed.
pub(super) trait Doing<T> {
    /// With what it was doing, as `loading rows of payment`.
    fn doing(self, what: impl Display + Send + Sync + 'static) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, what: impl Display + Send + Sync + 'static) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::Database(anyhow::Error::new(error).context(what)))
    }
}
