//! The server's store is put back to an older copy: what the publishers keep is published again, and reading goes back to a
//! checkpoint; if there is none, it halts until an operator goes on.

use choreography::recovery::GoOn;
use choreography::{ExecuteError, Service};

use crate::market::{KEPT, Market, sell_all, sell_one};
use crate::{ms, pass, until};

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_younger_than_the_kept_rows_heals_by_itself() {
    let market = Market::new();
    let (till, ledger) = market.open().await;
    sell_all(&till, 0..20).await;
    market.all_is_booked_once(0..20).await;
    let copy = market.bus.faults().copy();
    pass(KEPT / 2).await;
    sell_all(&till, 20..60).await;
    market.all_is_booked_once(0..60).await;
    market.bus.faults().put_back(&copy);
    // Others take the lost sequences at once, and the stream's end passes what was read.
    market.publish_for_others(300);
    sell_all(&till, 60..80).await;
    market.all_is_booked_once(0..80).await;
    crate::stage::healthy(&till).await;
    crate::stage::healthy(&ledger).await;
    assert_eq!((till.health().lost, ledger.health().lost), (Ok(()), Ok(())));
    tokio::join!(till.stop(), ledger.stop());
}

#[tokio::test(start_paused = true)]
async fn a_copy_put_back_in_the_middle_of_stories_lets_all_of_them_end_once() {
    let market = Market::new();
    let (till, ledger) = market.open().await;
    for round in 0..10 {
        let begin = round * 40;
        sell_all(&till, begin..begin + 20).await;
        let copy = market.bus.faults().copy();
        pass(ms(u64::from(round))).await;
        sell_all(&till, begin + 20..begin + 40).await;
        market.bus.faults().put_back(&copy);
        pass(ms(3_000)).await;
    }
    market.all_is_booked_once(0..400).await;
    tokio::join!(till.stop(), ledger.stop());
}

async fn is_halted(service: &Service) {
    until("it is halted", || async { service.health().reading.is_err_and(|why| why.contains("until an operator")) })
        .await;
}

/// Opens a market, lets 40 sales end, and puts the store back to a copy from before everything that the services remember:
/// the stream had dropped all of that by its limits.
async fn put_back_to_a_forgotten_copy(market: &Market) -> (Service, Service) {
    let (till, ledger) = market.open().await;
    sell_all(&till, 0..20).await;
    market.all_is_booked_once(0..20).await;
    let copy = market.bus.faults().copy();
    pass(KEPT * 2).await;
    sell_all(&till, 20..40).await;
    market.all_is_booked_once(0..40).await;
    let last = market.published().len() as u64;
    market.publish_for_others(10);
    pass(KEPT * 2).await;
    market.bus.faults().forget_before(last + 5);
    pass(ms(3_000)).await;
    market.bus.faults().put_back(&copy);
    is_halted(&till).await;
    is_halted(&ledger).await;
    (till, ledger)
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_copy_from_before_all_checkpoints_halts_until_an_operator_goes_on() {
    let market = Market::new();
    let (till, ledger) = put_back_to_a_forgotten_copy(&market).await;
    // The stream's end passes the positions, and the server starts anew: that shows nothing.
    market.publish_for_others(300);
    pass(KEPT).await;
    market.bus.faults().restart();
    pass(ms(5_000)).await;
    is_halted(&till).await;
    is_halted(&ledger).await;
    let refused = sell_one(&till, 40).await;
    assert!(matches!(refused, Err(ExecuteError::Closed { code: "halted", .. })), "{refused:?}");
    // A restart of the service forgets nothing of it.
    till.stop().await;
    let till = market.start_till().await;
    is_halted(&till).await;
    for store in [&market.till, &market.ledger] {
        assert!(market.recovery(store).report().await.unwrap().halted.is_some());
        market.recovery(store).resume(GoOn::Proposed).await.unwrap();
    }
    crate::stage::healthy(&till).await;
    crate::stage::healthy(&ledger).await;
    sell_all(&till, 40..60).await;
    market.all_is_booked_once(0..60).await;
    tokio::join!(till.stop(), ledger.stop());
}

#[tokio::test(start_paused = true)]
async fn going_on_at_the_first_message_does_nothing_twice() {
    let market = Market::new();
    let (till, ledger) = put_back_to_a_forgotten_copy(&market).await;
    for store in [&market.till, &market.ledger] {
        assert_eq!(market.recovery(store).resume(GoOn::First).await.unwrap(), 1);
    }
    crate::stage::healthy(&till).await;
    sell_all(&till, 40..60).await;
    market.all_is_booked_once(0..60).await;
    tokio::join!(till.stop(), ledger.stop());
}
