//! A stream that is nearly full is reported before it drops messages that are not read yet.

use choreography::Service;

use crate::stage::{Stage, healthy};
use crate::until;

async fn streams(scribe: &Service, begin: Option<&str>) {
    until(&format!("health says {begin:?}"), || async {
        match (scribe.health().streams, begin) {
            (Ok(()), None) => true,
            (Err(text), Some(begin)) => text.starts_with(begin),
            _ => false,
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_passes_seventy_percent_of_its_limit_is_reported_until_it_is_below() {
    let stage = Stage::new();
    stage.bus.faults().say_messages_max(Some(200));
    let scribe = stage.start().await;
    healthy(&scribe).await;
    for line in 0..69 {
        stage.write(1, line);
    }
    stage.logged(1, "write 68").await;
    streams(&scribe, None).await;
    crate::pass(crate::ms(3_000)).await;
    assert_eq!((stage.bus.published().len(), scribe.health().streams), (138, Ok(())));
    stage.write(1, 69);
    streams(&scribe, Some("EVENTS is 70 % full: at 100 % the oldest messages leave")).await;
    stage.write(1, 70);
    assert!(scribe.health().reading.is_ok() && scribe.health().publishing.is_ok());
    stage.bus.faults().say_messages_max(Some(1_000));
    streams(&scribe, None).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_reports_how_full_the_streams_are() {
    let stage = Stage::new();
    stage.bus.faults().say_messages_max(Some(1));
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.write(1, 1);
    streams(&scribe, Some("EVENTS is 200 % full")).await;
    stage.bus.remove_consumer("scribe-0");
    let standby = stage.start_as(1).await;
    streams(&standby, Some("EVENTS is 200 % full")).await;
    streams(&scribe, None).await;
    scribe.stop().await;
    standby.stop().await;
}
