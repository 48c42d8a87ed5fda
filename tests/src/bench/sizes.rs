//! How much the shop has stored: the rows of every table, and the size of every file of a database.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};

use crate::premises::Premises;

/// Rows by table (`order: outbox`), and KiB by file (`order.db-wal`).
#[derive(Debug, Clone, Default)]
pub(crate) struct Sizes {
    pub(crate) rows: BTreeMap<String, i64>,
    pub(crate) kib: BTreeMap<String, u64>,
}

/// Counts what every service has stored.
pub(crate) async fn read(premises: &Premises) -> Result<Sizes> {
    let mut sizes = Sizes::default();
    for service in premises.services() {
        let name = service.name;
        for suffix in ["", "-wal"] {
            let file = format!("{name}.db{suffix}");
            let path = premises.world.directory().join(&file);
            let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
            sizes.kib.insert(file, bytes / 1_024);
        }
        count(name, &premises.world.directory().join(format!("{name}.db")), &mut sizes.rows)
            .await
            .with_context(|| format!("counting the rows of {name}"))?;
    }
    Ok(sizes)
}

async fn count(service: &str, database: &Path, rows: &mut BTreeMap<String, i64>) -> Result<()> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let tables = sqlx::query("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'");
    for table in tables.fetch_all(&mut connection).await? {
        let table: String = table.try_get(0)?;
        let counting = sqlx::AssertSqlSafe(format!("select count(*) from \"{table}\""));
        let count: i64 = sqlx::query_scalar(counting).fetch_one(&mut connection).await?;
        rows.insert(format!("{service}: {table}"), count);
    }
    connection.close().await?;
    Ok(())
}
