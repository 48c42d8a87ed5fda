//! The stream loses messages in its middle or at its beginning: what the publishers keep comes again, what they do not keep
//! is reported with the exact count, and what the limits remove is no loss.

use std::time::Duration;

use choreography::bus::Stream;
use choreography::recovery::GoOn;
use choreography::{Envelope, Service};

use crate::diary::{How, Write};
use crate::market::{KEPT, Market, sell_all};
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass, until};

/// Sells while the ledger is stopped, and lets the stream lose ten of the messages some time later.
async fn with_ten_lost_after(time: Duration) -> (Market, Service) {
    let market = Market::new();
    let (till, ledger) = market.open().await;
    sell_all(&till, 0..10).await;
    market.all_is_booked_once(0..10).await;
    ledger.stop().await;
    sell_all(&till, 10..40).await;
    until("they are published", || async { market.bookings().len() == 40 }).await;
    pass(time).await;
    let first = market.bookings()[15];
    market.bus.faults().lose(Stream::Events, first..first + 10);
    pass(ms(5_000)).await;
    healthy(&till).await;
    (market, till)
}

#[tokio::test(start_paused = true)]
async fn a_hole_whose_rows_are_kept_is_healed_for_a_subscriber_that_had_not_read_them() {
    let (market, till) = with_ten_lost_after(ms(1_000)).await;
    let ledger = market.start_ledger().await;
    market.ended(40).await;
    let expected = (0..40).map(|sale| (sale, vec!["booked".to_owned()])).collect();
    assert_eq!(market.entries().await, expected);
    assert_eq!((ledger.health().lost, market.lost()), (Ok(()), vec![]));
    tokio::join!(till.stop(), ledger.stop());
}

#[tokio::test(start_paused = true)]
async fn a_hole_without_kept_rows_is_reported_with_the_exact_count_until_that_is_accepted() {
    let (market, till) = with_ten_lost_after(KEPT * 2).await;
    let ledger = market.start_ledger().await;
    let lost = || ledger.health().lost.is_err_and(|lost| lost.starts_with("10 messages"));
    until("it is reported", || async { lost() }).await;
    market.ended(30).await;
    until("it has a dead letter", || async { !market.lost().is_empty() }).await;
    assert!(market.lost()[0].starts_with("10 messages that till published are lost: numbers 16 to 25"));
    let booked = (0..15).chain(25..40).map(|sale| (sale, vec!["booked".to_owned()])).collect();
    assert_eq!(market.entries().await, booked);
    // It stays reported, once, also after a restart.
    pass(KEPT).await;
    ledger.stop().await;
    let ledger = market.start_ledger().await;
    healthy(&ledger).await;
    pass(ms(5_000)).await;
    assert!(ledger.health().lost.is_err_and(|lost| lost.starts_with("10 messages")));
    assert_eq!(market.recovery(&market.ledger).accept_lost().await.unwrap(), 10);
    until("it is accepted", || async { ledger.health().lost.is_ok() }).await;
    pass(ms(10_000)).await;
    assert_eq!((market.lost().len(), ledger.health().lost), (1, Ok(())));
    tokio::join!(till.stop(), ledger.stop());
}

#[tokio::test(start_paused = true)]
pub(crate) async fn what_is_not_published_yet_is_not_reported_as_lost() {
    let market = Market::new();
    let (till, ledger) = market.open().await;
    market.bus.faults().set_down(true);
    sell_all(&till, 0..10).await;
    // The till connects again, and the server has no space.
    market.bus.faults().refuse(Some("no space left"));
    market.bus.faults().set_down(false);
    pass(ms(10_000)).await;
    assert_eq!((ledger.health().lost, market.lost()), (Ok(()), vec![]));
    market.bus.faults().refuse(None);
    market.all_is_booked_once(0..10).await;
    tokio::join!(till.stop(), ledger.stop());
}

#[tokio::test(start_paused = true)]
async fn a_first_block_that_is_emptied_before_a_running_reader_read_it_halts_reading() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    stage.write(1, 0);
    stage.all_is_received().await;
    // The server delivers nothing for a while.
    stage.bus.faults().set_silent(true);
    for line in 1..20 {
        stage.write(1, line);
    }
    let first = stage.bus.published()[13].sequence;
    stage.bus.faults().forget_before(first);
    stage.bus.faults().restart();
    until("it is halted", || async { stage.head().await.halted.is_some_and(|why| why.contains("deleted unread")) })
        .await;
    stage.bus.faults().set_silent(false);
    for line in 20..40 {
        stage.write(1, line);
    }
    pass(ms(20_000)).await;
    assert_eq!(stage.log(1).await, written(0..1));
    assert!(scribe.health().reading.is_err());
    stage.recovery().resume(GoOn::First).await.unwrap();
    stage.logged(1, "write 39").await;
    let left: Vec<_> = stage.bus.published().into_iter().map(|stored| stored.envelope).collect();
    let is_line = |envelope: &&Envelope| envelope.subject.starts_with("author.write.1");
    let lines = left.iter().filter(is_line).map(|envelope| serde_json::from_slice::<Write>(&envelope.payload).unwrap());
    let lines: Vec<_> = [0].into_iter().chain(lines.map(|write| write.line)).collect();
    assert!(lines.len() > 20 && lines.len() < 40, "{lines:?}");
    assert_eq!(stage.log(1).await, written(lines));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_hole_that_the_limits_remove_is_no_reason_to_halt() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    for line in 0..20 {
        stage.publish(Write { page: 1, line, how: How::NotIdempotently });
        pass(ms(4_000)).await;
    }
    stage.bus.faults().lose(Stream::Events, 5..=8);
    pass(ms(5_000)).await;
    for line in 20..60 {
        stage.publish(Write { page: 1, line, how: How::NotIdempotently });
        pass(ms(4_000)).await;
    }
    let last = stage.bus.published().len() as u64;
    stage.bus.faults().forget_before(last - 10);
    pass(ms(5_000)).await;
    healthy(&scribe).await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..60));
    scribe.stop().await;
}

/// A service that began when the stream had a hole has no checkpoint from before it.
#[tokio::test(start_paused = true)]
async fn messages_that_are_back_in_a_hole_from_before_the_service_began_are_read() {
    let stage = Stage::new();
    for line in 0..10 {
        stage.publish(Write { page: 1, line, how: How::NotIdempotently });
    }
    let copy = stage.bus.faults().copy();
    stage.bus.faults().lose(Stream::Events, 4..=6);
    let scribe = stage.start_unchecked().await;
    stage.logged(1, "write 9").await;
    pass(ms(5_000)).await;
    assert_eq!(stage.log(1).await.len(), 7);
    stage.bus.faults().put_back(&copy);
    stage.all_is_received().await;
    let mut log = stage.log(1).await;
    log.sort();
    assert_eq!(log, written(0..10));
    scribe.stop().await;
}
