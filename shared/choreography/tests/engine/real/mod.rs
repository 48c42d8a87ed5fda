//! The engine on SQLite and a real nats-server: a choreography of three services, whatever is killed meanwhile.

use std::time::Duration;

use crate::until;
use house::House;

mod choreographies;
mod house;
mod log;
mod server;

/// How many lines are dictated under load, and on how many pages.
const LINES: u32 = 1_500;
const PAGES: u32 = 5;

#[tokio::test]
async fn a_line_that_is_dictated_is_written_and_filed() {
    let mut house = House::build().await;
    house.open_all().await;
    house.dictate(0..40).await;
    house.all_is_filed(40).await;
    house.close_all().await;
}

#[tokio::test]
async fn services_that_start_before_their_server_and_its_streams_wait_for_both() {
    let mut house = House::without_streams().await;
    house.server.kill();
    house.open_all().await;
    house.dictate(0..10).await;
    house.server.start_again().await;
    let consumer_is_missing = || async { house.author().health().reading.is_err() };
    until("the missing consumer is reported", consumer_is_missing).await;
    house.provision().await;
    house.all_is_filed(10).await;
    house.close_all().await;
}

#[tokio::test]
async fn nothing_is_lost_or_processed_twice_when_the_server_is_killed_under_load() {
    let mut house = House::build().await;
    house.open_all().await;
    for round in 0..3 {
        let lines = round * LINES / 3..(round + 1) * LINES / 3;
        let half = lines.start + LINES / 6;
        house.dictate(lines.start..half).await;
        // Now messages are on their way through all three services.
        house.server.kill();
        house.dictate(half..lines.end).await;
        house.server.start_again().await;
    }
    house.all_is_filed(LINES).await;
    house.first_occurrences_are_in_order(LINES).await;
    house.close_all().await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_server_comes_back_with_an_older_state() {
    let mut house = House::build().await;
    house.open_all().await;
    house.dictate(0..LINES / 3).await;
    house.server.kill();
    let older = house.server.copy();
    house.server.start_again().await;
    house.dictate(LINES / 3..LINES * 2 / 3).await;
    until("something was received that the server will forget", || async { house.filed().await > LINES as usize / 3 })
        .await;
    house.server.kill();
    house.server.restore(&older);
    house.server.start_again().await;
    house.dictate(LINES * 2 / 3..LINES).await;
    house.all_is_filed(LINES).await;
    house.close_all().await;
}

#[tokio::test]
async fn nothing_is_lost_or_processed_twice_when_services_crash_under_load() {
    let mut house = House::build().await;
    house.open_all().await;
    for round in 0..6 {
        house.dictate(round * LINES / 6..(round + 1) * LINES / 6).await;
        // A crash: the tasks end without notice, in the middle of whatever they do.
        house.crash(round as usize % 3);
        house.open(round as usize % 3).await;
    }
    house.all_is_filed(LINES).await;
    house.first_occurrences_are_in_order(LINES).await;
    house.close_all().await;
}

#[tokio::test]
async fn a_standby_takes_over_when_the_leader_dies() {
    let mut house = House::build().await;
    house.open_all().await;
    house.open_standby().await;
    house.dictate(0..100).await;
    house.crash(1);
    house.dictate(100..200).await;
    let took_over = tokio::time::timeout(Duration::from_secs(15), house.all_is_filed(200)).await;
    assert!(took_over.is_ok());
    house.close_all().await;
}

#[tokio::test]
async fn services_go_on_with_a_recreated_stream_when_an_operator_says_so() {
    let mut house = House::build().await;
    house.open_all().await;
    house.dictate(0..20).await;
    house.all_is_filed(20).await;
    house.delete_stream().await;
    house.provision().await;
    house.resume_all().await;
    house.dictate(20..40).await;
    house.all_is_filed(40).await;
    house.close_all().await;
}

/// How long the stream is gone. A line for each try would be hundreds by then.
const GONE: Duration = Duration::from_secs(20);
/// How many lines each service may log about it: its two connections, its dead letters, and what they turn into.
const LINES_MAX: usize = 8;

#[tokio::test]
async fn a_stream_that_is_gone_for_long_is_a_handful_of_lines_and_one_line_each_when_it_is_over() {
    let mut house = House::build().await;
    house.open_all().await;
    house.dictate(0..20).await;
    house.all_is_filed(20).await;
    house.delete_stream().await;
    tokio::time::sleep(GONE).await;
    for lines in house.logs() {
        let troubles: Vec<_> = lines.iter().filter(|line| line.contains(" WARN ")).collect();
        assert!(!troubles.is_empty() && lines.len() <= LINES_MAX, "{lines:#?}");
        assert!(troubles.iter().all(|line| line.contains("provision")), "{lines:#?}");
    }
    house.provision().await;
    house.resume_all().await;
    house.dictate(20..40).await;
    house.all_is_filed(40).await;
    until("all troubles are over", || async {
        let is_over = |part: &str, lines: &[String]| lines.iter().any(|line| line.contains(part));
        let all = |lines: Vec<String>| {
            ["reading: over after ", "publishing: over after "].iter().all(|part| is_over(part, &lines))
        };
        house.logs().into_iter().all(all)
    })
    .await;
    for lines in house.logs() {
        assert!(lines.len() <= 2 * LINES_MAX, "{lines:#?}");
    }
    house.close_all().await;
}
