//! Many dead letters, a bounded rate, and a connection that breaks in the middle.

use testkit::{Proxy, until};

use crate::PATIENCE;
use crate::stage::{Death, PASSWORD, Stage};
use crate::tool::run;

/// Returns the dead letters of `count` messages, which have `orders` keys in turn.
async fn many(stage: &Stage, count: usize, orders: usize) -> Vec<u64> {
    let mut dead_letters = Vec::new();
    for index in 0..count {
        let order = format!("o{}", index % orders);
        dead_letters.push(stage.die(Death { order: &order, ..Death::default() }).await);
    }
    dead_letters
}

/// Returns the dead letters that were replayed, in the order of the stream.
async fn marks(stage: &Stage) -> Vec<u64> {
    let repairs = stage.repairs().await;
    let marks = repairs.iter().map(|message| message.headers.get("dead-replay").unwrap().as_str().to_owned());
    marks.map(|mark| mark.rsplit('/').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn thousand_dead_letters_are_replayed_in_order_and_counted() {
    let stage = Stage::new().await;
    let dead_letters = many(&stage, 1_000, 1_000).await;
    let payment = stage.service("payment").await;
    let ran = stage.run("replay --service payment --rate 400 --wait 60s").await;
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "1,000 dead letters: 1000 replayed.\nNext: dead-letters list\n")
    );
    assert_eq!(ran.err, "", "progress is for terminals only");
    assert_eq!(marks(&stage).await, dead_letters);
    assert_eq!(payment.diary(), dead_letters.iter().map(|dead_letter| (*dead_letter, "done")).collect::<Vec<_>>());
    assert_eq!(stage.run("list").await.code, Some(3));
}

#[tokio::test]
async fn rate_bounds_the_messages_published_in_a_second() {
    let stage = Stage::new().await;
    let dead_letters = many(&stage, 12, 12).await;
    let _payment = stage.service("payment").await;
    assert_eq!(stage.run("replay --service payment --rate 20").await.code, Some(0));
    let repairs = stage.repairs().await;
    assert_eq!(marks(&stage).await, dead_letters);
    let milliseconds = |index: usize| repairs[index].time.unix_timestamp_nanos() / 1_000_000;
    let took = milliseconds(11) - milliseconds(0);
    // Eleven intervals of 50 ms, two less because the first message may be slow.
    assert!(took >= 400, "{took} ms");
}

/// Few enough that many dead letters have the same key.
const ORDERS: usize = 4;

#[tokio::test]
async fn same_command_does_the_rest_after_a_broken_connection() {
    let stage = Stage::new().await;
    let dead_letters = many(&stage, 200, ORDERS).await;
    let payment = stage.service("payment").await;
    let proxy = Proxy::to(stage.nats.port()).unwrap();
    proxy.cut_after(40_000);
    let replay = ["replay", "--service", "payment", "--rate", "500", "--json"];
    let ran = run(&proxy.url(), PASSWORD, &replay).await;
    assert_eq!((ran.code, proxy.cuts()), (Some(1), 1), "{}", ran.err);
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("dead-letters: "), "{last}");
    let counts = &ran.json()["counts"];
    assert!(counts["done"].as_u64() > Some(0) && counts["unpublished"].as_u64() > Some(0), "{counts}");
    until("the rest to be done", PATIENCE, async || {
        let ran = run(&stage.nats.url(), PASSWORD, &replay).await;
        if ran.code == Some(3) { Ok(()) } else { Err(ran.out) }
    })
    .await;
    let done =
        payment.diary().into_iter().filter(|(_, outcome)| *outcome == "done").map(|(dead_letter, _)| dead_letter);
    let mut done: Vec<u64> = done.collect();
    for order in 0..ORDERS {
        let dead_letters: Vec<u64> = dead_letters.iter().skip(order).step_by(ORDERS).copied().collect();
        let done: Vec<u64> = done.iter().filter(|dead_letter| dead_letters.contains(dead_letter)).copied().collect();
        assert_eq!(done, dead_letters, "in order, and each once");
    }
    done.sort_unstable();
    assert_eq!(done, dead_letters);
}
