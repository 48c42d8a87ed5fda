//! What is received, how often, and in which order.

use choreography::{Envelope, Headers};

use crate::diary::{How, Write};
use crate::stage::{Stage, healthy, written};

#[tokio::test(start_paused = true)]
pub(crate) async fn a_message_published_twice_is_received_once_in_one_batch_and_in_two() {
    let stage = Stage::new();
    let message = stage.envelope(&Write { page: 1, line: 1, how: How::NotIdempotently });
    stage.bus.publish(&message).unwrap();
    stage.bus.publish(&message).unwrap();
    let scribe = stage.start_unchecked().await;
    stage.all_is_received().await;
    stage.bus.publish(&message).unwrap();
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written([1]));
    scribe.stop().await;
    assert_eq!(stage.all_published("written").iter().filter(|written| written.subject.ends_with(".1")).count(), 1);
}

/// Returns a message with one header changed.
fn with_header(stage: &Stage, name: &str, value: &str) -> Envelope {
    let message = stage.envelope(&Write { page: 1, line: 1, how: How::Plainly });
    let headers = message.headers.iter().map(|(header, old)| (header, if header == name { value } else { old }));
    Envelope { headers: headers.collect(), ..message.clone() }
}

#[tokio::test(start_paused = true)]
async fn messages_with_invalid_headers_die_with_a_dead_letter_and_are_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let counts = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let stage = Stage::new();
    let invalid = [
        with_header(&stage, "ce-source", "forger"),
        with_header(&stage, "ce-subject", "2"),
        with_header(&stage, "ce-type", "choreography.strike.v1"),
        with_header(&stage, "ce-id", "one"),
        with_header(&stage, "ce-specversion", "0.3"),
        with_header(&stage, "ce-datacontenttype", "text/plain"),
        with_header(&stage, "traceparent", "none"),
        with_header(&stage, "ce-expirytime", "soon"),
    ];
    for message in &invalid {
        stage.bus.publish(message).unwrap();
    }
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written([]));
    crate::until("they have dead letters", || async { stage.dead_letters().len() == invalid.len() }).await;
    let detail = |letter: &Envelope| letter.header("dead-detail").unwrap().starts_with("unreadable: ");
    assert!(stage.dead_letters().iter().all(|letter| &*letter.subject == "dead.scribe.write.1" && detail(letter)));
    assert_eq!(stage.outgoing(), ["written.999999"], "a message that can't be recognized has no fallback");
    let counts = counts.render();
    let wanted = format!("choreography_messages_unreadable_total{{service=\"scribe\"}} {}", invalid.len());
    assert!(counts.contains(&wanted), "{counts}");
    assert!(counts.contains("choreography_messages_received_total{service=\"scribe\"} 1"), "{counts}");
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_without_numbers_dies_and_leaves_no_other_trace() {
    let stage = Stage::new();
    let message = stage.envelope(&Write { page: 1, line: 1, how: How::Plainly });
    let bare = Envelope { headers: Headers::default(), ..message.clone() };
    let headers = message.headers.iter().filter(|(name, _)| *name != "ce-number").collect();
    let unnumbered = Envelope { headers, ..message.clone() };
    let absurd = with_header(&stage, "ce-number", "5000000");
    for message in [&bare, &unnumbered, &absurd, &message] {
        stage.bus.publish(message).unwrap();
    }
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written([1]));
    let details: Vec<_> =
        stage.dead_letters().iter().map(|dead| dead.header("dead-detail").unwrap().to_owned()).collect();
    assert_eq!(details.len(), 3, "{details:?}");
    assert!(details[0].contains("header ce-specversion is missing"), "{details:?}");
    assert!(details[1].contains("carries no ce-outbox and ce-number"), "{details:?}");
    assert!(details[2].contains("absurd number 5000000"), "{details:?}");
    assert!(stage.dead_letters().iter().all(|dead| dead.header("dead-unreadable").is_some()));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_key_are_received_in_order_over_many_batches() {
    let stage = Stage::new();
    for line in 0..1_500 {
        stage.write(line % 3, line);
    }
    let scribe = stage.start().await;
    for line in 1_500..2_000 {
        stage.write(line % 3, line);
        if line % 50 == 0 {
            stage.logged(line % 3, &format!("write {line}")).await;
        }
    }
    stage.all_is_received().await;
    for page in 0..3 {
        assert_eq!(stage.log(page).await, written((0..2_000).filter(|line| line % 3 == page)));
    }
    scribe.stop().await;
    let outgoing: Vec<_> = stage.outgoing().into_iter().filter(|outgoing| outgoing == "written.0").collect();
    assert_eq!(outgoing.len(), 667);
}

#[tokio::test(start_paused = true)]
async fn a_message_received_before_a_restart_is_not_received_again() {
    let stage = Stage::new();
    let scribe = stage.start_unchecked().await;
    for line in 0..10 {
        stage.publish(Write { page: 1, line, how: How::NotIdempotently });
    }
    stage.all_is_received().await;
    scribe.stop().await;
    let scribe = stage.start_unchecked().await;
    healthy(&scribe).await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..10));
    scribe.stop().await;
}
