//! Databases of earlier and of later versions.

use std::sync::Arc;

use choreography::store::sqlite::SqliteStore;
use choreography::store::{PublishingStore as _, ReadingStore as _, Store, Wanted};
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::fixture::{TABLES, id, migrations, payments, row, stored, write};
use crate::sqlite::File;

#[tokio::test]
async fn a_database_from_before_the_migrations_were_numbered_is_migrated() {
    let file = File::new();
    file.execute(include_str!("../../src/store/sqlite/migrations/0001_tables.sql")).await;
    file.execute("update head set position = 9, safe = 7").await;
    for _ in 0..2 {
        let head = SqliteStore::open(&file.path, None, &[]).await.unwrap().head().await.unwrap();
        assert_eq!(head.position.sequence, 9);
    }
}

#[tokio::test]
async fn outbox_rows_from_before_the_numbers_get_an_outbox_of_their_own() {
    let file = File::new();
    file.execute(include_str!("../../src/store/sqlite/migrations/0001_tables.sql")).await;
    file.execute(
        "insert into outbox values (3, 'order.open.1', 'ce-id:1\n', x''), (4, 'dead.order.open.1', '', x''),
            (5, 'order.close.1.2', '', x''), (7, 'order.open.2', '', x''), (9, 'handled.order.4', '', x'');
         insert into inbox values (x'00000000000000000000000000000007', 5, 2),
            (x'00000000000000000000000000000008', 5, null);
         update head set outbox_next = 10",
    )
    .await;
    let store = SqliteStore::open(&file.path, None, &[]).await.unwrap();
    let rows = store.outbox(0, 10).await.unwrap();
    let names: Vec<_> = rows.iter().map(|row| (row.number, &*row.name.kind, row.name.number)).collect();
    assert_eq!(names, [(3, "open", 1), (4, "*dead", 1), (5, "close", 1), (7, "open", 2), (9, "*handled", 1)]);
    let outbox = rows[0].name.outbox;
    assert_eq!((outbox.get_version_num(), outbox.get_variant()), (7, uuid::Variant::RFC4122));
    let made_s = outbox.get_timestamp().unwrap().to_unix().0;
    assert!(made_s > 1_700_000_000, "ordered by the time of the migration: {outbox}");
    for row in &rows {
        assert_eq!(row.name.outbox, outbox);
        assert_eq!(row.envelope.header("ce-outbox"), Some(&*outbox.to_string()));
        assert_eq!(row.envelope.header("ce-number"), Some(&*row.name.number.to_string()));
    }
    assert_eq!(rows[0].envelope.header("ce-id"), Some("1"));
    let last: Vec<_> =
        store.given().await.unwrap().into_iter().map(|given| (given.kind.to_string(), given.last)).collect();
    assert_eq!(last, [("*dead".into(), 1), ("*handled".into(), 1), ("close".into(), 1), ("open".into(), 2)]);
    let wanted = Wanted { dead: vec![id(7), id(8)], ..Wanted::default() };
    assert_eq!(store.begin().await.unwrap().load(&wanted).await.unwrap().dead, [(id(7), 2)].into());
}

#[tokio::test]
async fn a_database_that_a_newer_version_has_migrated_is_opened() {
    let file = File::new();
    let newer = Migrator::with_migrations(migrations().iter().cloned().chain([added_column(2)]).collect());
    SqliteStore::open(&file.path, Some(&newer), TABLES).await.unwrap();
    file.execute("insert into _choreography_migrations (number, name) values (999, 'future')").await;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file.path, Some(&migrations()), TABLES).await.unwrap());
    write(&store, vec![row("1", 0, "{}")]).await.unwrap();
    assert_eq!(payments(&store, &["1"]).await, [stored("1", 1, "{}")]);
}

#[tokio::test]
async fn a_database_with_another_history_is_refused() {
    let file = File::new();
    let other = Migrator::with_migrations(migrations().iter().cloned().chain([added_column(2)]).collect());
    SqliteStore::open(&file.path, Some(&other), TABLES).await.unwrap();
    // Migration 2 is missing here, although a later one is known.
    let known = Migrator::with_migrations(migrations().iter().cloned().chain([added_column(3)]).collect());
    let refused = SqliteStore::open(&file.path, Some(&known), TABLES).await.unwrap_err().to_string();
    assert!(refused.contains("migration 2 was previously applied but is missing"), "{refused}");
}

fn added_column(version: i64) -> Migration {
    let text = sqlx::SqlStr::from_static("alter table payment add column note text");
    Migration::new(version, "note".into(), MigrationType::Simple, text, false)
}
