//! Whatever the server does, every message is received once and in order, or reading stops and health reports why.

use choreography::bus::{Bus as _, Progress, Stream};
use choreography::recovery::{GoOn, Recovery};
use choreography::{Envelope, ExecuteError, Service};

use crate::diary::{How, OpenPage, SCRIBE_RECEIVES, Write};
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass, until};

fn publish_line(stage: &Stage, line: u32) {
    stage.publish(Write { page: 1, line, how: How::NotIdempotently });
}

async fn trouble(scribe: &Service, what: &str) -> String {
    until(what, || async { scribe.health().reading.is_err_and(|trouble| trouble.contains(what)) }).await;
    scribe.health().reading.unwrap_err()
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_forgotten_pull_that_takes_messages_is_noticed() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    stage.bus.faults().steal("scribe-0", 20);
    for line in 0..200 {
        publish_line(&stage, line);
        if line % 10 == 0 {
            pass(ms(5)).await;
        }
    }
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..200));
    assert_eq!(stage.head().await.epoch, 1, "another connection is no other leader");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_pull_that_takes_the_last_message_is_noticed_though_none_follows() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    stage.bus.faults().steal("scribe-0", 1);
    publish_line(&stage, 0);
    stage.logged(1, "write 0").await;
    assert_eq!(stage.head().await.epoch, 1, "another connection is no other leader");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_delivered_twice_is_received_once() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    for line in 0..50 {
        if line % 10 == 5 {
            stage.bus.faults().duplicate_next("scribe-0");
        }
        publish_line(&stage, line);
        pass(ms(3)).await;
    }
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..50));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn reading_survives_lost_connections_restarts_and_silence_under_load() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    for line in 0..1_000 {
        publish_line(&stage, line);
        match line % 100 {
            20 => stage.bus.faults().cut(),
            40 => stage.bus.faults().restart(),
            60 => stage.bus.faults().set_silent(true),
            61 => pass(ms(12_000)).await,
            62 => stage.bus.faults().set_silent(false),
            80 => stage.bus.faults().set_down(true),
            81 => pass(ms(3_000)).await,
            82 => stage.bus.faults().set_down(false),
            _ => pass(ms(2)).await,
        }
    }
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..1_000));
    scribe.stop().await;
    assert_eq!(stage.outgoing().iter().filter(|outgoing| *outgoing == "written.1").count(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_starts_before_its_server_waits_for_it() {
    let stage = Stage::new();
    stage.bus.faults().set_down(true);
    let scribe = stage.start().await;
    trouble(&scribe, "down").await;
    pass(ms(60_000)).await;
    stage.bus.faults().set_down(false);
    stage.write(1, 1);
    stage.logged(1, "write 1").await;
    healthy(&scribe).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_consumer_is_reported_and_read_once_it_exists() {
    let stage = Stage::new();
    stage.bus.remove_consumer("scribe-0");
    let scribe = stage.start_unchecked().await;
    publish_line(&stage, 1);
    let trouble = trouble(&scribe, "the consumer scribe-0 does not exist").await;
    assert!(trouble.contains("provisioning"), "{trouble}");
    pass(ms(60_000)).await;
    assert!(stage.log(1).await.is_empty());
    stage.bus.add_consumer("scribe-0", &SCRIBE_RECEIVES);
    stage.logged(1, "write 1").await;
    healthy(&scribe).await;
    stage.bus.remove_consumer("scribe-0");
    publish_line(&stage, 2);
    pass(ms(5_000)).await;
    stage.bus.add_consumer("scribe-0", &SCRIBE_RECEIVES);
    stage.logged(1, "write 2").await;
    assert_eq!(stage.log(1).await, written([1, 2]));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_created_anew_is_not_read_until_an_operator_goes_on() {
    let stage = Stage::new();
    let scribe = stage.start_intake().await;
    stage.write(1, 1);
    stage.all_is_received().await;
    stage.bus.faults().recreate_stream();
    stage.bus.add_consumer("scribe-0", &SCRIBE_RECEIVES);
    stage.write(1, 2);
    let trouble = trouble(&scribe, "created anew").await;
    assert!(trouble.contains("`scribe stream`"), "{trouble}");
    pass(ms(60_000)).await;
    assert_eq!(stage.log(1).await, ["write 1"]);
    let refused = scribe.execute(OpenPage { page: 7, title: "May".to_owned() }).await;
    assert!(matches!(refused, Err(ExecuteError::Closed { code: "halted", .. })), "{refused:?}");
    // The running service goes on by itself.
    let recovery = Recovery { store: &stage.store, bus: &stage.bus };
    assert_eq!(recovery.report().await.unwrap().halted, stage.head().await.halted);
    assert_eq!(recovery.resume(GoOn::First).await.unwrap(), 1);
    stage.logged(1, "write 2").await;
    healthy(&scribe).await;
    scribe.execute(OpenPage { page: 7, title: "May".to_owned() }).await.unwrap();
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_were_deleted_unread_are_reported() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.write(1, 1);
    stage.all_is_received().await;
    scribe.stop().await;
    for line in 2..10 {
        stage.write(1, line);
    }
    stage.bus.faults().forget_before(7);
    let scribe = stage.start().await;
    trouble(&scribe, "deleted unread").await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn messages_for_other_services_may_be_deleted_while_this_one_is_idle() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.write(1, 1);
    stage.all_is_received().await;
    let others = stage.bus.connect().await.unwrap();
    for page in 1..=9 {
        let envelope = Envelope { subject: format!("baker.bread-baked.{page}").into(), ..Envelope::default() };
        others.publish(&envelope).await.unwrap().await.unwrap();
    }
    let last = others.stream(Stream::Events).await.unwrap().last;
    until("reading has passed them", || async { stage.head().await.position.sequence == last }).await;
    scribe.stop().await;
    stage.bus.faults().forget_before(last);
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.write(1, 2);
    stage.logged(1, "write 2").await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_number_that_its_publisher_noted_and_that_did_not_come_is_reported_until_that_is_accepted() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    stage.write(1, 1);
    let lost = stage.envelope(&Write { page: 1, line: 2, how: How::Plainly });
    stage.write(1, 3);
    stage.all_is_received().await;
    let connection = stage.bus.connect().await.unwrap();
    let state = connection.stream(Stream::Events).await.unwrap();
    let outbox = lost.header("ce-outbox").unwrap().parse().unwrap();
    let settled = [(outbox, [("write".to_owned(), 4)].into())].into();
    let note = Progress { server_start: state.server_start, up_to: state.last, settled, ..Progress::default() };
    connection.note_progress("author", &note).await.unwrap();
    until("it is reported", || async { scribe.health().lost.is_err_and(|lost| lost.starts_with("1 messages")) }).await;
    until("it has a dead letter", || async { !stage.dead_letters().is_empty() }).await;
    assert_eq!(&*stage.dead_letters()[0].subject, "dead.scribe.write.lost");
    let recovery = Recovery { store: &stage.store, bus: &stage.bus };
    assert_eq!(recovery.accept_lost().await.unwrap(), 1);
    until("it is accepted", || async { scribe.health().lost.is_ok() }).await;
    pass(ms(10_000)).await;
    assert_eq!((stage.dead_letters().len(), scribe.health().lost), (1, Ok(())));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_read_from_a_server_that_takes_seconds_for_a_look() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.bus.faults().set_latency(ms(400));
    for line in 0..10 {
        stage.write(1, line);
    }
    stage.logged(1, "write 9").await;
    assert_eq!(scribe.health().reading, Ok(()));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_to_the_same_server_is_sent_nothing_again() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    (0..5).for_each(|line| publish_line(&stage, line));
    stage.all_is_received().await;
    pass(ms(3_000)).await;
    stage.bus.faults().cut();
    pass(ms(3_000)).await;
    healthy(&scribe).await;
    let connection = stage.bus.connect().await.unwrap();
    assert_eq!(connection.consumer_info("scribe-0").await.unwrap().unwrap().sent, 0);
    scribe.stop().await;
}
