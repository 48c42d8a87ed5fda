//! The tables of a database: the runtime's own, made by numbered migrations, and those that a service keeps rows in.
//!
//! The runtime's migrations are recorded in a table of their own, apart from those of the service. A migration is never
//! changed after its release: what changes is a new one. The table `inbox` and the head's `restart_position` are of earlier
//! releases, which may still open the database.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::open_error::Problem;
use super::statement::{driver_error, plain};

/// The runtime's migrations, in order: the name and the statements of each.
const MIGRATIONS: [(&str, &str); 10] = [
    ("tables", include_str!("migrations/0001_tables.sql")),
    ("positions", include_str!("migrations/0002_positions.sql")),
    ("numbers", include_str!("migrations/0003_numbers.sql")),
    ("effects", include_str!("migrations/0004_effects.sql")),
    ("suspects", include_str!("migrations/0005_suspects.sql")),
    ("stored rows", include_str!("migrations/0006_stored_rows.sql")),
    ("lost commands", include_str!("migrations/0007_lost_commands.sql")),
    ("effects tried", include_str!("migrations/0008_effects_tried.sql")),
    ("stored rows before", include_str!("migrations/0009_stored_rows_before.sql")),
    ("locked epoch", include_str!("migrations/0010_locked_epoch.sql")),
];

/// Runs the runtime's migrations that this database has not had yet. A newer version may have run more: they only add.
pub(super) async fn migrate_runtime(connection: &mut SqliteConnection) -> Result<(), Problem> {
    let failed = failed("migrating the runtime's tables");
    let recorded = "create table if not exists _choreography_migrations (
        number integer primary key not null, name text not null
    )";
    sqlx::query(recorded).execute(&mut *connection).await.map_err(&failed)?;
    let newest = sqlx::query_scalar("select coalesce(max(number), 0) from _choreography_migrations");
    let newest: u32 = newest.fetch_one(&mut *connection).await.map_err(failed)?;
    for (number, (name, statements)) in (1_u32..).zip(MIGRATIONS).skip(newest as usize) {
        let failed = |error| Problem::database(format!("running the runtime's migration {number} ({name})"), error);
        sqlx::raw_sql(statements).execute(&mut *connection).await.map_err(failed)?;
        let record = sqlx::query("insert into _choreography_migrations (number, name) values ($1, $2)");
        record.bind(number).bind(name).execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// Runs a service's migrations that this database has not had yet. A newer version of the service may have run more: they
/// only add.
pub(super) async fn migrate_service(connection: &mut SqliteConnection, migrations: &Migrator) -> Result<(), Problem> {
    let newest = migrations.iter().map(|migration| migration.version).max().unwrap_or_default();
    // Not `run`: with it the compiler cannot see that the future of `open` is `Send`.
    match migrations.run_direct(None, &mut *connection, false).await {
        // It names the oldest one that is missing; nothing was run.
        Err(MigrateError::VersionMissing(missing)) if missing > newest => {
            let mut tolerant = Migrator::with_migrations(migrations.iter().cloned().collect());
            tolerant.dangerous_set_table_name(migrations.table_name.clone());
            tolerant.set_ignore_missing(true);
            tolerant.run_direct(None, &mut *connection, false).await.map_err(Problem::Migrations)
        }
        migrated => migrated.map_err(Problem::Migrations),
    }
}

/// Records which service the database belongs to.
///
/// # Errors
/// [`Problem::OtherService`] if it belongs to another one.
pub(super) async fn take_for(connection: &mut SqliteConnection, service: &'static str) -> Result<(), Problem> {
    let owner = sqlx::query_scalar("update head set service = iif(service = '', $1, service) returning service");
    let owner: String = owner.bind(service).fetch_one(connection).await.map_err(failed("recording the service"))?;
    if owner == service { Ok(()) } else { Err(Problem::OtherService { owner, service }) }
}

fn failed(operation: &'static str) -> impl Fn(sqlx::Error) -> Problem {
    move |error| Problem::database(operation, error)
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
