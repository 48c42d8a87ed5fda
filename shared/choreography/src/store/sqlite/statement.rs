//! Statements over lists: one statement for many rows, because each costs a hop to the thread of its connection.

use std::fmt::Display;
use std::vec;

use anyhow::anyhow;
use sqlx::sqlite::{SqliteArguments, SqliteError, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use crate::store::StoreError;

/// So many rows go into one statement, at most: fewer rows would cost more hops, more rows more preparing. Far below
/// SQLite's 32,766 values a statement.
const ROWS_MAX: usize = 128;

/// Statements of up to so many rows stay prepared, as full ones do; the lengths between are too many to be kept.
const ROWS_FEW: usize = 4;

/// A statement whose values are being bound.
pub(super) type Bound<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// A statement around a list of tuples: `before`, the tuple as often as there are rows, `after`.
///
/// Its placeholders are plain `?`: SQLite looks each `$1` up among all those before it (3.7 ms for 768 of them, where `?`
/// takes 0.4). Tuples that are looked up are joined by `cross join`, which keeps the order: for `in`, SQLite scans the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) before: &'a str,
    pub(super) tuple: &'static str,
    pub(super) after: &'a str,
}

impl Listed<'_> {
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

    /// The statement for the next rows, if there are any left.
    fn next<T>(
        &self,
        rows: &mut vec::IntoIter<T>,
        bind: impl Fn(Bound<'static>, T) -> Bound<'static>,
    ) -> Option<Bound<'static>> {
        let count = rows.len().min(ROWS_MAX);
        let statement = (count > 0).then(|| sqlx::query(AssertSqlSafe(self.text(count))))?;
        let statement = statement.persistent(count == ROWS_MAX || count <= ROWS_FEW);
        Some(rows.by_ref().take(count).fold(statement, bind))
    }

    /// Executes it for all rows. How many rows were affected.
    pub(super) async fn execute<T: Send>(
        &self,
        connection: &mut SqliteConnection,
        rows: Vec<T>,
        bind: impl Fn(Bound<'static>, T) -> Bound<'static> + Send,
    ) -> Result<u64, sqlx::Error> {
        let (mut rows, mut affected) = (rows.into_iter(), 0);
        while let Some(statement) = self.next(&mut rows, &bind) {
            affected += statement.execute(&mut *connection).await?.rows_affected();
        }
        Ok(affected)
    }

    /// Fetches what it selects for all rows.
    pub(super) async fn fetch<T: Send>(
        &self,
        connection: &mut SqliteConnection,
        rows: Vec<T>,
        bind: impl Fn(Bound<'static>, T) -> Bound<'static> + Send,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let (mut rows, mut fetched) = (rows.into_iter(), Vec::new());
        while let Some(statement) = self.next(&mut rows, &bind) {
            fetched.append(&mut statement.fetch_all(&mut *connection).await?);
        }
        Ok(fetched)
    }
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
        self.map_err(|error| StoreError::Database(cause(error).context(what)))
    }
}

/// The error of SQLite itself, without sqlx's, which would say the same once more.
pub(super) fn cause(error: sqlx::Error) -> anyhow::Error {
    match error {
        sqlx::Error::Database(error) => anyhow::Error::new(*error.downcast::<SqliteError>()),
        other => other.into(),
    }
}
