//! A service's own database is put back to an older copy, or fails for long, or the service stops for long, while its
//! neighbours run: what comes of it is done under the same ids, and its neighbours notice nothing.

use std::collections::BTreeSet;

use crate::market::{KEPT, Market, sell_all, sell_one};
use crate::stage::healthy;
use crate::{ms, pass, until};

/// Returns the ids of what a service has published, copies included.
fn ids(market: &Market, service: &str) -> Vec<String> {
    let published = market.bus.published().into_iter().map(|stored| stored.envelope);
    let of_service = published.filter(|envelope| envelope.subject.starts_with(&format!("{service}.")));
    of_service.map(|envelope| envelope.header("ce-id").unwrap().to_owned()).collect()
}

/// Puts the ledger's database back under 140 sales that have ended, to a copy that has 20 of them and is older than the rows
/// that are kept; while the ledger runs, or while it is stopped.
async fn put_back_the_ledger(is_stopped: bool) {
    let market = Market::new();
    let (till, mut ledger) = market.open().await;
    sell_all(&till, 0..20).await;
    market.all_is_booked_once(0..20).await;
    let copy = market.ledger.copy();
    for round in 1..=6 {
        sell_all(&till, round * 20..round * 20 + 20).await;
        pass(KEPT / 2).await;
    }
    market.all_is_booked_once(0..140).await;
    let before = ids(&market, "ledger");
    if is_stopped {
        ledger.stop().await;
    }
    market.ledger.put_back(&copy);
    sell_all(&till, 140..150).await;
    if is_stopped {
        ledger = market.start_ledger().await;
    }
    market.all_is_booked_once(0..150).await;
    let after = ids(&market, "ledger");
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.iter().collect::<BTreeSet<_>>().len(), after.len(), "nothing is published twice");
    healthy(&ledger).await;
    assert_eq!((till.health().lost, ledger.health().lost), (Ok(()), Ok(())));
    tokio::join!(till.stop(), ledger.stop());
}

#[tokio::test(start_paused = true)]
async fn what_was_received_since_the_copy_is_done_again_under_the_same_ids() {
    put_back_the_ledger(true).await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_running_service_notices_that_its_database_was_put_back_and_reads_from_there() {
    put_back_the_ledger(false).await;
}

/// The customers' commands since the copy are lost with the database, though what came of them is known.
#[tokio::test(start_paused = true)]
async fn a_publisher_whose_database_is_put_back_publishes_nothing_again_and_is_told_everything_again() {
    let market = Market::new();
    let (till, ledger) = market.open().await;
    sell_all(&till, 0..20).await;
    market.all_is_booked_once(0..20).await;
    let copy = market.till.copy();
    sell_all(&till, 20..60).await;
    market.all_is_booked_once(0..60).await;
    till.stop().await;
    market.till.put_back(&copy);
    assert_eq!(market.sales().await.len(), 20);
    let till = market.start_till().await;
    healthy(&till).await;
    sell_all(&till, 60..80).await;
    market.all_is_booked_once(0..80).await;
    assert_eq!(market.bookings().len(), 80);
    tokio::join!(till.stop(), ledger.stop());
}

/// What had arrived when the commits began to fail was in time, and is not lost either.
#[tokio::test(start_paused = true)]
async fn after_a_full_database_steps_past_their_deadline_are_compensated_and_everything_else_goes_on() {
    let market = Market::new();
    let (till, ledger) = market.open().await;
    sell_all(&till, 0..20).await;
    market.all_is_booked_once(0..20).await;
    market.ledger.faults().fail_next_commits(u32::MAX);
    sell_all(&till, 20..40).await;
    pass(ms(10_000)).await;
    sell_all(&till, 40..60).await;
    // For longer than a step may take, and than rows are kept.
    pass(ms(900_000)).await;
    assert!(ledger.health().database.is_err());
    market.ledger.faults().fail_next_commits(0);
    until("new sales are taken", || async { sell_one(&till, 60).await.is_ok() }).await;
    market.ended(61).await;
    pass(KEPT).await;
    let is_late = |sale: &u32| (40..60).contains(sale);
    let outcome = |sale, late: &str| vec![if is_late(&sale) { late.to_owned() } else { "booked".to_owned() }];
    let outcomes = |late: &str| (0..=60).map(|sale| (sale, outcome(sale, late))).collect();
    assert_eq!(market.sales().await, outcomes("refused"));
    assert_eq!(market.entries().await, outcomes("refused: expired"));
    let died: Vec<_> = (40..60).map(|sale| format!("dead.ledger.book-sale.{sale}")).collect();
    assert_eq!(deaths(&market), died);
    healthy(&ledger).await;
    tokio::join!(till.stop(), ledger.stop());
}

/// Returns the dead letters, but for those by which the till says that the ledger is behind.
fn deaths(market: &Market) -> Vec<String> {
    market.dead_letters().into_iter().filter(|subject| !subject.ends_with(".overdue")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stop_for_longer_than_rows_are_kept_publishes_nothing_again_and_nothing_dies() {
    let market = Market::new();
    let (till, ledger) = market.open().await;
    sell_all(&till, 0..20).await;
    market.all_is_booked_once(0..20).await;
    tokio::join!(till.stop(), ledger.stop());
    let published = market.published();
    pass(KEPT * 20).await;
    let (till, ledger) = market.open().await;
    pass(ms(10_000)).await;
    assert_eq!(market.published(), published);
    sell_all(&till, 20..40).await;
    market.all_is_booked_once(0..40).await;
    assert_eq!(market.published().len(), 2 * published.len());
    // One after the other, and under load.
    ledger.stop().await;
    sell_all(&till, 40..60).await;
    pass(KEPT * 5).await;
    till.stop().await;
    let ledger = market.start_ledger().await;
    pass(KEPT * 5).await;
    let till = market.start_till().await;
    market.ended(60).await;
    pass(ms(10_000)).await;
    let booked = (0..60).map(|sale| (sale, vec!["booked".to_owned()])).collect();
    assert_eq!((market.entries().await, market.published().len()), (booked, 3 * published.len()));
    assert_eq!(deaths(&market), Vec::<String>::new());
    tokio::join!(till.stop(), ledger.stop());
}
