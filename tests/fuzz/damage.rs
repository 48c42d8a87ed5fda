//! The file of a service's database, and how its columns are damaged.

use choreography::sqlx::query::Query;
use choreography::sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use choreography::sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Error, Row as _, query};
use serde_json::{Value, from_str};

use crate::bytes::Bytes;
use crate::draw::Draw;
use crate::json::json;
use crate::text::text;

/// Rows for the tables that a service fills only in trouble.
const TROUBLES: [&str; 8] = [
    "insert into reported select publisher, outbox, kind, last + 2, last + 4 from received",
    "insert into lost_commands values ('create-order', 3)",
    "insert into suspects values (x'0198c0de000070008000000000000009', 1, 'message')",
    "insert into dead_compensations select row_number() over (), id, 'order.cancel-payment.1' from dead",
    "insert into effects (key, tries, since_ms, due_ms, subject, headers, payload)
     select number, 1, 0, 0, subject, headers, payload from outbox",
    "insert into waiting select number + 1000, x'0198c0de000070008000000000000007', 'payment', 'tea', 1, subject, headers, payload
     from outbox limit 1",
    "insert into idempotency_keys values ('open', 'ada', 'key-1', 'hash', '{}', 0)",
    "update run set start_position = 1",
];
/// Integers at the ends of what a database may hold.
const INTEGERS: [i64; 9] = [0, -1, 1, 2, i64::MAX, i64::MAX - 1, i64::MIN, 9_007_199_254_740_993, u32::MAX as i64];

/// A value in a database.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Bytes),
}

/// A column of a table, with one of the values that it has.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    table: String,
    name: String,
    example: Stored,
}

/// A column that has another value in some of its rows: in one, or in all.
#[derive(Debug)]
pub(crate) struct Damage {
    column: Column,
    value: Stored,
    is_everywhere: bool,
}

impl Damage {
    pub(crate) fn of(column: &Column, draw: &mut Draw<'_>) -> Self {
        let value = match (draw.below(8), &column.example) {
            (0, _) => Stored::Null,
            (1, _) => Stored::Integer(*draw.one(&INTEGERS)),
            (2, _) => Stored::Real(*draw.one(&[0.5, -1.0, 1e300, f64::INFINITY])),
            (3, _) => Stored::Text(text("tea", draw)),
            (4, _) => Stored::Blob(Bytes(vec![7; *draw.one(&[0, 1, 15, 16, 17, 100_000])])),
            (_, Stored::Text(of)) => match from_str::<Value>(of) {
                Ok(value) => Stored::Text(String::from_utf8_lossy(&json(&value, draw)).into_owned()),
                Err(_) => Stored::Text(text(of, draw)),
            },
            (_, Stored::Blob(of)) => Stored::Blob(match from_str::<Value>(&String::from_utf8_lossy(of)) {
                Ok(value) => json(&value, draw),
                Err(_) => Bytes::near(of, draw),
            }),
            (_, Stored::Null | Stored::Integer(_) | Stored::Real(_)) => Stored::Integer(*draw.one(&INTEGERS)),
        };
        Self { column: column.clone(), value, is_everywhere: draw.once_in(2) }
    }

    /// Writes the value, as far as the table takes it.
    async fn write(&self, database: &mut SqliteConnection) {
        let Column { table, name, .. } = &self.column;
        let only = if self.is_everywhere {
            String::new()
        } else {
            format!("where {name} = (select min({name}) from {table})")
        };
        let text = format!("update or ignore {table} set {name} = $1 {only}");
        // A value that breaks a constraint can't be in a database.
        _ = bound(query(AssertSqlSafe(text)), &self.value).execute(database).await;
    }
}

fn bound<'q>(query: Query<'q, Sqlite, SqliteArguments>, value: &'q Stored) -> Query<'q, Sqlite, SqliteArguments> {
    match value {
        Stored::Null => query.bind(None::<i64>),
        Stored::Integer(value) => query.bind(value),
        Stored::Real(value) => query.bind(value),
        Stored::Text(value) => query.bind(value.as_str()),
        Stored::Blob(value) => query.bind(&**value),
    }
}

async fn open(path: &str) -> Result<SqliteConnection, Error> {
    SqliteConnectOptions::new().filename(path).disable_statement_logging().connect().await
}

/// Damages the database in a file.
pub(crate) async fn damage(path: &str, damages: &[Damage]) -> Result<(), Error> {
    let mut database = open(path).await?;
    for damage in damages {
        damage.write(&mut database).await;
    }
    query("pragma wal_checkpoint(truncate)").execute(&mut database).await?;
    database.close().await
}

/// Fills the tables that a service fills only in trouble, and returns all columns of all tables.
pub(crate) async fn complete(path: &str) -> Result<Vec<Column>, Error> {
    let mut database = open(path).await?;
    for trouble in TROUBLES {
        query(trouble).execute(&mut database).await?;
    }
    let columns = "select tables.name, columns.name from sqlite_schema tables, pragma_table_xinfo(tables.name) columns
        where tables.type = 'table' and tables.name not like 'sqlite%' and hidden = 0";
    let names = query(columns).fetch_all(&mut database).await?;
    let mut columns = Vec::new();
    for row in names {
        let (table, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let text = format!("select {name}, typeof({name}) from {table} order by random() limit 1");
        let example = query(AssertSqlSafe(text)).fetch_optional(&mut database).await?;
        columns.push(Column { example: example.as_ref().map_or(Stored::Null, stored), table, name });
    }
    query("pragma wal_checkpoint(truncate)").execute(&mut database).await?;
    database.close().await?;
    Ok(columns)
}

fn stored(row: &SqliteRow) -> Stored {
    match row.try_get::<&str, _>(1).unwrap_or_default() {
        "text" => row.try_get(0).map_or(Stored::Null, Stored::Text),
        "blob" => row.try_get(0).map_or(Stored::Null, |bytes| Stored::Blob(Bytes(bytes))),
        _ => row.try_get(0).map_or(Stored::Null, Stored::Integer),
    }
}
