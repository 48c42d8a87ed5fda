//! Statements, collected into as few scripts as possible: each execution is a round trip to the connection's thread.

use std::error::Error;

use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteArguments, SqliteError, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Row as _, Sqlite, SqliteConnection, Type};

use crate::store::StoreError;
use crate::store::error::put_back_numbers;

/// The largest number of rows in one statement: fewer would mean more round trips. Far below SQLite's limit of 32,766
/// values a statement.
const ROWS_MAX: usize = 256;

/// Lists of at most this many rows share a script with their neighbours. Longer ones are executed by themselves, filled
/// up with nulls to a power of two: so there are few different statements, which stay prepared, and preparing one costs
/// more than the nulls.
const ROWS_FEW: usize = 4;

/// Fails the batch where the condition that follows holds.
pub(super) const FAIL_WHERE: &str = "update head set one = 0 where";

/// Fails the batch where the condition that follows holds: the database is older than the process.
pub(super) const PUT_BACK_WHERE: &str = "update head set outbox_next = null where";

/// SQLite's error for a batch that [`PUT_BACK_WHERE`] has failed.
const PUT_BACK: &str = "NOT NULL constraint failed: head.outbox_next";

/// SQLite's errors for a batch whose preconditions do not hold: the head has moved, or an idempotency key was used
/// before.
const CONFLICTS: [&str; 2] = [
    "CHECK constraint failed: one = 1",
    "UNIQUE constraint failed: idempotency_keys.route, idempotency_keys.caller, idempotency_keys.key",
];

/// Whether an error of SQLite means a conflict. A changed row whose version is not the loaded one is written with a
/// null version, which its table refuses.
fn is_conflict(message: &str) -> bool {
    let without_null = message.strip_prefix("NOT NULL constraint failed: ");
    CONFLICTS.contains(&message) || without_null.is_some_and(|column| column.ends_with(".version"))
}

/// Whether an error of SQLite means that a constraint is violated. Codes: <https://www.sqlite.org/rescode.html>.
fn is_violation(error: &dyn DatabaseError) -> bool {
    const CONSTRAINT: u32 = 19;
    error.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == CONSTRAINT)
}

/// Several statements that are executed together, with their values in order.
///
/// Placeholders are plain `?`: SQLite looks each `$1` up among all those before it (3.7 ms for 768 of them, where `?`
/// takes 0.4), and only these are counted across the statements of a script.
#[derive(Default)]
pub(super) struct Script {
    text: String,
    values: SqliteArguments,
}

impl Script {
    /// Adds a statement, whose values are bound next.
    pub(super) fn add(&mut self, statement: &str) -> &mut Self {
        if !self.text.is_empty() {
            self.text.push(';');
        }
        self.text.push_str(statement);
        self
    }

    /// Binds the next value.
    pub(super) fn bind<'q>(&mut self, value: impl Encode<'q, Sqlite> + Type<Sqlite>) -> &mut Self {
        self.values.add(value).expect("SQLite takes texts, numbers and bytes as they are");
        self
    }

    /// Executes the script. Returns the rows of all its statements, one statement after the other.
    pub(super) async fn fetch(self, connection: &mut SqliteConnection) -> Result<Vec<SqliteRow>, sqlx::Error> {
        sqlx::query_with(AssertSqlSafe(self.text), self.values).fetch_all(connection).await
    }
}

/// A statement around a list of tuples: `before`, the tuple once for each row, `after`. It must do nothing for tuples
/// of nulls, with which long lists are filled up.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListStatement<'a> {
    pub(super) before: &'a str,
    pub(super) tuple: &'static str,
    pub(super) after: &'a str,
}

impl ListStatement<'_> {
    fn text(&self, tuples: usize) -> String {
        let length = self.before.len() + tuples * (self.tuple.len() + 1) + self.after.len();
        let mut text = String::with_capacity(length);
        text.push_str(self.before);
        for index in 0..tuples {
            text.push_str(if index == 0 { "" } else { "," });
            text.push_str(self.tuple);
        }
        text.push_str(self.after);
        text
    }
}

/// Executes the statements of a batch: short ones together in a script, long lists by themselves, all in order.
pub(super) struct Writer<'c> {
    connection: &'c mut SqliteConnection,
    script: Script,
    returned: Vec<SqliteRow>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c mut SqliteConnection) -> Self {
        Self { connection, script: Script::default(), returned: Vec::new() }
    }

    /// Returns the script, for adding a statement.
    pub(super) fn script(&mut self) -> &mut Script {
        &mut self.script
    }

    /// Adds a statement over a list of rows, or executes it if the list is long.
    pub(super) async fn list<T: Send>(
        &mut self,
        statement: ListStatement<'_>,
        rows: Vec<T>,
        bind: impl Fn(&mut Script, T) + Send,
    ) -> Result<(), sqlx::Error> {
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let count = rows.len().min(ROWS_MAX);
            let mut tuples = count;
            if count > ROWS_FEW {
                self.flush().await?;
                tuples = count.next_power_of_two();
            }
            self.script.add(&statement.text(tuples));
            rows.by_ref().take(count).for_each(|row| bind(&mut self.script, row));
            for _ in 0..(tuples - count) * statement.tuple.matches('?').count() {
                self.script.bind(None::<i64>);
            }
            if count > ROWS_FEW {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Executes the script as it is, and begins a new one.
    pub(super) async fn flush(&mut self) -> Result<(), sqlx::Error> {
        match std::mem::take(&mut self.script) {
            script if script.text.is_empty() => Ok(()),
            script => {
                self.returned.extend(script.fetch(self.connection).await?);
                Ok(())
            }
        }
    }

    /// Returns the numbers that statements have returned, sorted: SQLite returns them in no particular order.
    pub(super) fn numbers(self) -> Result<Vec<i64>, sqlx::Error> {
        let mut numbers = self.returned.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// A table's or column's name that cannot be put into a statement as it is.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a plain name: lower-case letters, digits and _ only")]
pub(super) struct InvalidName(String);

/// Returns a table's or column's name if it can be put into a statement as it is.
pub(super) fn plain(name: &str) -> Result<&str, InvalidName> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let others = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if first && others { Ok(name) } else { Err(InvalidName(name.to_owned())) }
}

impl From<InvalidName> for StoreError {
    fn from(error: InvalidName) -> Self {
        Self::database("writing a statement", error)
    }
}

/// Turns an error of sqlx into a [`StoreError`].
pub(super) trait During<T> {
    /// Adds which operation failed, as `loading rows of payment`.
    fn during(self, operation: impl Into<String>) -> Result<T, StoreError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, operation: impl Into<String>) -> Result<T, StoreError> {
        self.map_err(|error| match &error {
            sqlx::Error::Database(database) if database.message() == PUT_BACK => put_back_numbers(),
            sqlx::Error::Database(database) if is_conflict(database.message()) => {
                StoreError::RowConflict(format!("{}: {}", operation.into(), database.message()))
            }
            sqlx::Error::Database(database) if is_violation(database.as_ref()) => {
                StoreError::Violation { operation: operation.into(), detail: database.message().to_owned() }
            }
            _ => StoreError::database(operation, driver_error(error)),
        })
    }
}

/// Returns SQLite's own error where there is one: sqlx's would only repeat its text.
pub(super) fn driver_error(error: sqlx::Error) -> Box<dyn Error + Send + Sync> {
    match error {
        sqlx::Error::Database(error) => error.downcast::<SqliteError>(),
        other => other.into(),
    }
}
