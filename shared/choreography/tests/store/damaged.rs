//! Databases with numbers that no service writes.

use std::sync::Arc;

use choreography::store::sqlite::SqliteStore;
use choreography::store::{Changes, ReadingStore as _, Store};

use crate::fixture::{commit, in_outbox, new_outbox};
use crate::sqlite::File;

#[tokio::test]
async fn a_damaged_number_is_an_error_that_names_it() {
    let series = "'order', x'0198c0de000070008000000000000007', 'create-payment'";
    for (damage, named) in [
        (format!("insert into received values ({series}, -1, 5, 0)"), "first is -1, which is below 0"),
        (format!("insert into reported values ({series}, 7, 5)"), "7 to 5 of create-payment by order end before they"),
        ("insert into checkpoints values (5, 0, -7)".to_owned(), "deleted is -7, which is below 0"),
        ("update head set outbox_next = -9223372036854775808".to_owned(), "which nothing counts to"),
        ("update head set epoch = 9223372036854775807".to_owned(), "epoch is 9223372036854775807, which nothing"),
        ("update head set position = -2".to_owned(), "position is -2, which is below 0"),
    ] {
        let file = File::new();
        let store = SqliteStore::open(&file.path, None, &[]).await.unwrap();
        file.execute(damage).await;
        let error = store.reading_state().await.unwrap_err();
        assert!(format!("{error:?}").contains(named), "{error:?}");
    }
}

#[tokio::test]
async fn a_damaged_number_of_the_outbox_is_an_error_that_names_the_row() {
    let file = File::new();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file.path, None, &[]).await.unwrap());
    let outbox = in_outbox(new_outbox(), vec![crate::fixture::envelope("a")]);
    commit(&store, Changes { outbox, ..Changes::default() }).await.unwrap();
    file.execute("update outbox set kind_number = 0").await;
    let error = store.outbox(1, 10).await.unwrap_err().to_string();
    assert!(error.contains("the number of row 1 of the outbox is 0"), "{error}");
}

#[tokio::test]
async fn damaged_numbers_of_lost_messages_are_not_accepted_and_many_are_counted() {
    let reported = |outbox: u8, first: i64, last: i64| {
        let series = format!("'order', x'0198c0de0000700080000000000000{outbox:02x}', 'reserve-stock'");
        format!("insert into reported values ({series}, {first}, {last})")
    };
    let lost_commands = |messages: i64| format!("insert into lost_commands values ('create-order', {messages})");
    for (damages, named) in [
        (vec![reported(1, 7, 5)], Some("7 to 5 of reserve-stock by order end before they begin")),
        (vec![reported(1, -1, 5)], Some("first is -1, which is below 0")),
        (vec![reported(1, i64::MIN, i64::MAX)], Some("which is below 0")),
        (vec![lost_commands(-3)], Some("messages is -3, which is below 0")),
        ([1, 2, 3].map(|outbox| reported(outbox, 0, i64::MAX)).to_vec(), None),
        (vec![reported(1, 0, i64::MAX), lost_commands(i64::MAX)], None),
    ] {
        let file = File::new();
        let store = SqliteStore::open(&file.path, None, &[]).await.unwrap();
        file.execute(damages.join(";")).await;
        let Some(named) = named else {
            assert_eq!(store.accept_lost().await.unwrap(), u64::MAX, "{damages:?}");
            continue;
        };
        let error = store.accept_lost().await.unwrap_err();
        assert!(format!("{error:?}").contains(named), "{error:?}");
        let received = format!("{:?}", store.reading_state().await);
        assert!(received.contains(named), "{received}");
    }
}
