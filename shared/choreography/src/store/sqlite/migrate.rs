//! The tables of a database: the runtime's own, made by numbered migrations, and those that a service keeps rows in.
//!
//! The runtime's migrations are recorded in a table of their own, apart from those of the service. A migration is never
//! changed after its release: what changes is a new one.

use sqlx::{AssertSqlSafe, SqliteConnection};

use super::open_error::Problem;
use super::statement::{driver_error, plain};

/// The runtime's migrations, in order: the name and the statements of each.
const MIGRATIONS: [(&str, &str); 4] = [
    ("tables", include_str!("migrations/0001_tables.sql")),
    ("positions", include_str!("migrations/0002_positions.sql")),
    ("numbers", include_str!("migrations/0003_numbers.sql")),
    ("effects", include_str!("migrations/0004_effects.sql")),
];

/// Runs the runtime's migrations that this database has not had yet.
pub(super) async fn migrate_runtime(connection: &mut SqliteConnection) -> Result<(), Problem> {
    let failed = |error| Problem::database("migrating the runtime's tables", error);
    let recorded = "create table if not exists _choreography_migrations (
        number integer primary key not null, name text not null
    )";
    sqlx::query(recorded).execute(&mut *connection).await.map_err(failed)?;
    let newest = sqlx::query_scalar("select coalesce(max(number), 0) from _choreography_migrations");
    let newest: u32 = newest.fetch_one(&mut *connection).await.map_err(failed)?;
    if newest as usize > MIGRATIONS.len() {
        return Err(Problem::Newer { newest, known: MIGRATIONS.len() });
    }
    for (number, (name, statements)) in (1_u32..).zip(MIGRATIONS).skip(newest as usize) {
        let failed = |error| Problem::database(format!("running the runtime's migration {number} ({name})"), error);
        sqlx::raw_sql(statements).execute(&mut *connection).await.map_err(failed)?;
        let record = sqlx::query("insert into _choreography_migrations (number, name) values ($1, $2)");
        record.bind(number).bind(name).execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// Makes the tables of rows that do not exist, and checks the columns of those that do.
pub(super) async fn prepare_rows(connection: &mut SqliteConnection, tables: &[&'static str]) -> Result<(), Problem> {
    for &table in tables {
        let name = plain(table)?;
        let failed = |error| Problem::Table { table, cause: driver_error(error) };
        let missing = format!(
            "create table if not exists \"{name}\" (
                key text primary key not null, version bigint not null, state jsonb not null
            )"
        );
        sqlx::query(AssertSqlSafe(missing)).execute(&mut *connection).await.map_err(failed)?;
        let columns = format!("select key, version, state from \"{name}\" limit 0");
        sqlx::query(AssertSqlSafe(columns)).execute(&mut *connection).await.map_err(failed)?;
        let not_null =
            "select count(*) from pragma_table_info(?) where name in ('key', 'version', 'state') and \"notnull\"";
        let not_null = sqlx::query_scalar::<_, i64>(not_null).bind(name).fetch_one(&mut *connection).await;
        // Without `not null` a row's version could become null: a write that must be refused would succeed.
        if not_null.map_err(failed)? != 3 {
            return Err(Problem::Nullable(table));
        }
    }
    Ok(())
}
