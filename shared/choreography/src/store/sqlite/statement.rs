//! Statements, gathered into as few texts as possible: each text costs a way to the thread of its connection and back.

use std::fmt::Display;

use anyhow::anyhow;
use sqlx::sqlite::{SqliteArguments, SqliteError, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Row as _, Sqlite, SqliteConnection, Type};

use crate::store::StoreError;

/// So many rows go into one statement, at most: fewer rows would cost more texts. Far below SQLite's 32,766 values a
/// statement.
const ROWS_MAX: usize = 256;

/// Lists of up to so many rows share a text with what stands beside them. Longer ones are filled up with nulls to a power
/// of two, so that there are few texts, which stay prepared: to prepare one costs more than the nulls.
const ROWS_FEW: usize = 4;

/// Refuses the batch where the condition that follows holds.
pub(super) const REFUSE: &str = "update head set one = 0 where";

/// What SQLite says of a batch that is refused: by the head, or because a message was received, or a key answered, before.
const REFUSALS: [&str; 3] = [
    "CHECK constraint failed: one = 1",
    "UNIQUE constraint failed: inbox.id",
    "UNIQUE constraint failed: idempotency_keys.route, idempotency_keys.caller, idempotency_keys.key",
];

/// Whether SQLite refused a batch; also by a row that would have got no version, because it had not the one that was
/// loaded.
fn is_refusal(message: &str) -> bool {
    let without_null = message.strip_prefix("NOT NULL constraint failed: ");
    REFUSALS.contains(&message) || without_null.is_some_and(|column| column.ends_with(".version"))
}

/// Several statements in one text, with their values in order.
///
/// Placeholders are plain `?`: SQLite looks each `$1` up among all those before it (3.7 ms for 768 of them, where `?`
/// takes 0.4), and only these are counted across the statements of a text.
#[derive(Default)]
pub(super) struct Script {
    text: String,
    values: SqliteArguments,
}

impl Script {
    /// Adds a statement; its values are bound next.
    pub(super) fn add(&mut self, statement: &str) -> &mut Self {
        if !self.text.is_empty() {
            self.text.push(';');
        }
        self.text.push_str(statement);
        self
    }

    /// The next value.
    pub(super) fn bind<'q>(&mut self, value: impl Encode<'q, Sqlite> + Type<Sqlite>) -> &mut Self {
        self.values.add(value).expect("SQLite takes texts, numbers and bytes as they are");
        self
    }

    /// Everything that the statements select, one after the other.
    pub(super) async fn fetch(self, connection: &mut SqliteConnection) -> Result<Vec<SqliteRow>, sqlx::Error> {
        sqlx::query_with(AssertSqlSafe(self.text), self.values).fetch_all(connection).await
    }
}

/// A statement around a list of tuples: `before`, the tuple as often as there are rows, `after`. It must do nothing for
/// tuples of nulls.
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
}

/// What a batch writes: short lists share a text, long ones have their own.
pub(super) struct Writing<'c> {
    connection: &'c mut SqliteConnection,
    gathered: Script,
    returned: Vec<SqliteRow>,
}

impl<'c> Writing<'c> {
    pub(super) fn new(connection: &'c mut SqliteConnection) -> Self {
        Self { connection, gathered: Script::default(), returned: Vec::new() }
    }

    /// The text that is gathered, for a statement of its own.
    pub(super) fn script(&mut self) -> &mut Script {
        &mut self.gathered
    }

    /// Writes a list.
    pub(super) async fn list<T: Send>(
        &mut self,
        listed: Listed<'_>,
        rows: Vec<T>,
        bind: impl Fn(&mut Script, T) + Send,
    ) -> Result<(), sqlx::Error> {
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let count = rows.len().min(ROWS_MAX);
            let mut places = count;
            if count > ROWS_FEW {
                self.flush().await?;
                places = count.next_power_of_two();
            }
            self.gathered.add(&listed.text(places));
            rows.by_ref().take(count).for_each(|row| bind(&mut self.gathered, row));
            for _ in 0..(places - count) * listed.tuple.matches('?').count() {
                self.gathered.bind(None::<i64>);
            }
            if count > ROWS_FEW {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes what is gathered.
    pub(super) async fn flush(&mut self) -> Result<(), sqlx::Error> {
        match std::mem::take(&mut self.gathered) {
            gathered if gathered.text.is_empty() => Ok(()),
            gathered => {
                self.returned.extend(gathered.fetch(self.connection).await?);
                Ok(())
            }
        }
    }

    /// The numbers that statements have returned, in the order of what they stand for: whatever SQLite's own is.
    pub(super) fn numbers(self) -> Result<Vec<i64>, sqlx::Error> {
        let mut numbers = self.returned.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        numbers.sort_unstable();
        Ok(numbers)
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
        self.map_err(|error| match &error {
            sqlx::Error::Database(database) if is_refusal(database.message()) => {
                StoreError::RowConflict(format!("{what}, something was not as it should be"))
            }
            _ => StoreError::Database(cause(error).context(what)),
        })
    }
}

/// The error of SQLite itself, without sqlx's, which would say the same once more.
pub(super) fn cause(error: sqlx::Error) -> anyhow::Error {
    match error {
        sqlx::Error::Database(error) => anyhow::Error::new(*error.downcast::<SqliteError>()),
        other => other.into(),
    }
}
