//! Pages of rows, by columns that the service's migrations generate from their states.

use std::sync::Arc;

use choreography::store::{Comparison, Condition, Listing, Store};

use crate::fixture::{Instances, row, write};

fn all() -> Listing {
    Listing { table: "payment", conditions: Vec::new(), sorted_by: "key", after: None, descending: false, limit: 100 }
}

fn where_is(conditions: &[(&'static str, &str)]) -> Listing {
    let comparison = Comparison::Is;
    let condition = |&(column, value): &(&'static str, &str)| Condition { column, comparison, value: value.to_owned() };
    Listing { conditions: conditions.iter().map(condition).collect(), ..all() }
}

async fn keys(store: &Arc<dyn Store>, listing: Listing) -> Vec<String> {
    store.list(&listing).await.unwrap().into_iter().map(|row| row.key).collect()
}

/// Writes five payments: the odd ones are charged, and each costs a hundred times its key.
async fn five(stores: &Instances) {
    let state = |number: i64| {
        let status = if number % 2 == 1 { "charged" } else { "refused" };
        format!("{{\"status\":\"{status}\",\"total_cents\":{}}}", number * 100)
    };
    let rows = [3, 1, 5, 2, 4].map(|number| row(&number.to_string(), 0, &state(number)));
    write(&stores.first, rows.to_vec()).await.unwrap();
}

pub(crate) async fn rows_are_listed_by_key(stores: Instances) {
    assert_eq!(keys(&stores.first, all()).await, [""; 0]);
    five(&stores).await;
    assert_eq!(keys(&stores.second, all()).await, ["1", "2", "3", "4", "5"]);
    assert_eq!(stores.second.list(&all()).await.unwrap()[1].version, 1);
}

pub(crate) async fn rows_are_listed_in_descending_order(stores: Instances) {
    five(&stores).await;
    let listing = Listing { descending: true, limit: 2, ..all() };
    assert_eq!(keys(&stores.second, listing.clone()).await, ["5", "4"]);
    assert_eq!(keys(&stores.second, Listing { after: Some("4".to_owned()), ..listing }).await, ["3", "2"]);
}

pub(crate) async fn a_page_starts_behind_a_key(stores: Instances) {
    five(&stores).await;
    let page = |after: &str| Listing { after: Some(after.to_owned()), limit: 2, ..all() };
    assert_eq!(keys(&stores.second, page("2")).await, ["3", "4"]);
    assert_eq!(keys(&stores.second, page("4")).await, ["5"]);
    assert_eq!(keys(&stores.second, page("5")).await, [""; 0]);
}

pub(crate) async fn only_rows_that_meet_all_conditions_are_listed(stores: Instances) {
    five(&stores).await;
    let charged = where_is(&[("status", "charged")]);
    assert_eq!(keys(&stores.second, charged.clone()).await, ["1", "3", "5"]);
    let page = Listing { after: Some("1".to_owned()), limit: 1, ..charged };
    assert_eq!(keys(&stores.second, page).await, ["3"]);
    let both = where_is(&[("status", "charged"), ("total_cents", "300")]);
    assert_eq!(keys(&stores.second, both).await, ["3"]);
    let neither = where_is(&[("status", "refused"), ("total_cents", "300")]);
    assert_eq!(keys(&stores.second, neither).await, [""; 0]);
}

pub(crate) async fn the_key_can_be_a_condition(stores: Instances) {
    five(&stores).await;
    assert_eq!(keys(&stores.second, where_is(&[("key", "2")])).await, ["2"]);
}

pub(crate) async fn values_are_never_taken_for_sql(stores: Instances) {
    five(&stores).await;
    assert_eq!(keys(&stores.second, where_is(&[("status", "x' or '1'='1")])).await, [""; 0]);
}

/// Returns the listing sorted by status, the charged payments (1, 3, 5) before the refused ones (2, 4).
fn by_status() -> Listing {
    Listing { sorted_by: "status", ..all() }
}

pub(crate) async fn rows_are_sorted_by_a_column_and_by_key_where_it_is_the_same(stores: Instances) {
    five(&stores).await;
    assert_eq!(keys(&stores.second, by_status()).await, ["1", "3", "5", "2", "4"]);
    let newest_first = Listing { descending: true, ..by_status() };
    assert_eq!(keys(&stores.second, newest_first).await, ["4", "2", "5", "3", "1"]);
}

pub(crate) async fn a_page_of_rows_sorted_by_a_column_starts_behind_the_row_of_a_key(stores: Instances) {
    five(&stores).await;
    let page =
        |after: &str, descending: bool| Listing { after: Some(after.to_owned()), descending, limit: 2, ..by_status() };
    assert_eq!(keys(&stores.second, page("3", false)).await, ["5", "2"]);
    assert_eq!(keys(&stores.second, page("4", false)).await, [""; 0]);
    assert_eq!(keys(&stores.second, page("2", true)).await, ["5", "3"]);
    assert_eq!(keys(&stores.second, page("9", false)).await, [""; 0], "there is no such row");
}

pub(crate) async fn only_rows_between_two_values_are_listed(stores: Instances) {
    five(&stores).await;
    let between = |first: &str, end: &str| {
        let condition = |comparison, value: &str| Condition { column: "status", comparison, value: value.to_owned() };
        let conditions = vec![condition(Comparison::AtLeast, first), condition(Comparison::Below, end)];
        Listing { conditions, ..all() }
    };
    assert_eq!(keys(&stores.second, between("charged", "refused")).await, ["1", "3", "5"]);
    assert_eq!(keys(&stores.second, between("charged", "s")).await.len(), 5);
    assert_eq!(keys(&stores.second, between("charged.", "refuse")).await, [""; 0]);
}
