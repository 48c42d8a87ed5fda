//! Settings of the server that somebody has changed: the service says which, does no harm, and goes on when they are as
//! planned again.

use choreography::Service;

use crate::diary::OpenPage;
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass, until};

async fn open(scribe: &Service, page: u32) {
    drop(scribe.execute(OpenPage { page, title: "May".to_owned() }).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_paused_is_reported_and_read_again_when_it_is_resumed() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.write(1, 1);
    stage.logged(1, "write 1").await;
    stage.bus.faults().stop_consumer("scribe-0", Some("is paused until 2027-01-01T00:00:00Z"));
    stage.write(1, 2);
    let reported =
        "the consumer scribe-0 is paused until 2027-01-01T00:00:00Z: nothing is read; run the provisioning step";
    until("health says so", || async { scribe.health().reading == Err(reported.to_owned()) }).await;
    pass(ms(60_000)).await;
    assert_eq!(scribe.health().reading, Err(reported.to_owned()));
    stage.bus.faults().stop_consumer("scribe-0", None);
    stage.logged(1, "write 2").await;
    assert_eq!(stage.log(1).await, written(1..3));
    healthy(&scribe).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_consumer_is_not_paused_leads() {
    let stage = Stage::new();
    let (first, second) = (stage.start().await, stage.start_as(1).await);
    healthy(&first).await;
    stage.bus.faults().stop_consumer("scribe-0", Some("is paused"));
    stage.write(1, 1);
    stage.logged(1, "write 1").await;
    assert!(first.health().reading.is_err() && second.health().reading.is_ok());
    first.stop().await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_published_to_a_stream_that_may_lose_it_until_its_settings_are_as_planned() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    open(&scribe, 0).await;
    until("it is published", || async { stage.outgoing().len() == 1 }).await;
    stage.bus.faults().say_unsuitable(Some("max_msgs_per_subject (is 1, should be null)"));
    until("health says so", || async {
        scribe.health().publishing.is_err_and(|text| {
            text.contains("EVENTS") && text.contains("max_msgs_per_subject (is 1") && text.contains("provisioning step")
        })
    })
    .await;
    // One that the stream drops is not published again and again.
    stage.bus.faults().lose(choreography::bus::Stream::Events, ..=1);
    open(&scribe, 1).await;
    pass(ms(60_000)).await;
    assert!(scribe.health().publishing.is_err() && stage.outgoing().is_empty(), "{:?}", stage.outgoing());
    stage.bus.faults().say_unsuitable(None);
    until("all is published", || async { stage.outgoing().len() == 2 }).await;
    assert_eq!(stage.outgoing(), ["page-opened.0", "page-opened.1"]);
    healthy(&scribe).await;
    scribe.stop().await;
}
