//! Messages that die: a dead letter with the original, the fallback, and no harm to other messages.

use choreography::{Envelope, Message, Settings};
use jiff::SignedDuration;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::diary::{How, TearOut, Write};
use crate::stage::{Stage, healthy, written};
use crate::{ms, until};

fn write(page: u32, line: u32, how: How) -> Write {
    Write { page, line, how }
}

/// Publishes a message that must die between two others and checks all three. Returns its dead letter.
async fn dies(stage: &Stage, message: &Envelope, reason: &str, detail: &str) -> Envelope {
    stage.write(1, 1);
    let sequence = stage.bus.publish(message).unwrap();
    stage.write(1, 3);
    let scribe = stage.start().await;
    stage.all_is_received().await;
    until("its dead letter is published", || async { stage.dead_letters().len() == 1 }).await;
    let entries = ["write 1".to_owned(), format!("not written: {reason}"), "write 3".to_owned()];
    assert_eq!(stage.log(1).await, entries);
    let dead_letter = stage.dead_letters().remove(0);
    assert_eq!(*dead_letter.subject, format!("dead.scribe.{}", message.subject.strip_prefix("author.").unwrap()));
    assert_eq!(dead_letter.payload, message.payload);
    for (name, value) in message.headers.iter().filter(|(name, _)| !["ce-outbox", "ce-number"].contains(name)) {
        assert_eq!(dead_letter.header(name), Some(value));
    }
    assert_eq!(dead_letter.header("dead-reason"), Some(reason));
    assert!(dead_letter.header("dead-detail").unwrap().contains(detail), "{:?}", dead_letter.header("dead-detail"));
    assert_eq!(dead_letter.header("dead-sequence"), Some(sequence.to_string().as_str()));
    assert!(dead_letter.header("dead-tries").unwrap().parse::<u32>().is_ok());
    let fingerprint = format!("scribe/write/{reason}/");
    assert!(dead_letter.header("dead-fingerprint").unwrap().starts_with(&fingerprint));
    assert_eq!(stage.outgoing()[..3], ["written.1", "not-written.1", "written.1"]);
    assert_eq!(stage.all_published("not-written").len(), 1);
    // Once dead, it stays dead.
    stage.bus.publish(message).unwrap();
    stage.all_is_received().await;
    assert_eq!((stage.dead_letters().len(), stage.log(1).await.len()), (1, 3));
    scribe.stop().await;
    dead_letter
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_message_that_is_expired_on_arrival_dies() {
    let stage = Stage::new();
    let expiry = stage.clock.now() - SignedDuration::from_millis(1);
    let message = stage.envelope_until(&write(1, 2, How::Plainly), expiry);
    dies(&stage, &message, "expired", "expired").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_json_dies() {
    let stage = Stage::new();
    let message = stage.envelope(&write(1, 2, How::Plainly));
    dies(&stage, &Envelope { payload: "{\"page\": 1, oh".into(), ..message }, "poison", "unreadable").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_an_unknown_version_dies() {
    let stage = Stage::new();
    let message = stage.envelope(&write(1, 2, How::Plainly));
    let version = |(name, value)| (name, if name == "ce-type" { "choreography.write.v2" } else { value });
    let message = Envelope { headers: message.headers.iter().map(version).collect(), ..message.clone() };
    dies(&stage, &message, "poison", "version").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_payload_has_another_key_than_its_subject_dies() {
    let stage = Stage::new();
    let message = stage.envelope(&write(1, 2, How::Plainly));
    let payload = serde_json::to_vec(&write(7, 2, How::Plainly)).unwrap().into();
    dies(&stage, &Envelope { payload, ..message }, "poison", "key").await;
    assert!(stage.log(7).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_reaction_panics_dies_and_leaves_no_trace() {
    let stage = Stage::new();
    let message = stage.envelope(&write(1, 2, How::Panicking));
    dies(&stage, &message, "poison", "panicked: the ink ran out").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_reaction_has_a_fault_by_the_settings_dies_alone() {
    let stage = Stage::new();
    let fault = Some("panic:write:\"line\":2".parse().unwrap());
    let scribe = stage.start_with(Settings { fault, ..stage.settings() }).await;
    for line in 1..=3 {
        stage.write(1, line);
    }
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 1", "not written: poison", "write 3"]);
    until("its dead letter is published", || async { stage.dead_letters().len() == 1 }).await;
    assert!(stage.dead_letters()[0].header("dead-detail").unwrap().contains("the fault that is set for write"));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_reaction_is_not_idempotent_dies_where_that_is_checked() {
    let stage = Stage::new();
    let message = stage.envelope(&write(1, 2, How::NotIdempotently));
    dies(&stage, &message, "poison", "is not idempotent").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_reaction_publishes_too_much_dies() {
    let stage = Stage::new();
    let message = stage.envelope(&write(1, 2, How::AtLength));
    dies(&stage, &message, "poison", "written would be").await;
}

#[tokio::test(start_paused = true)]
async fn the_dead_letter_of_the_largest_message_fits_its_stream() {
    let stage = Stage::new();
    let message = stage.envelope(&write(1, 2, How::Plainly));
    let headers = message.headers.with("tracestate", "x".repeat(2_000));
    let payload = vec![b'x'; choreography::PAYLOAD_BYTES_MAX].into();
    dies(&stage, &Envelope { headers, payload, ..message }, "poison", "unreadable").await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_larger_than_allowed_dies_with_a_dead_letter_that_lacks_some_of_it() {
    let stage = Stage::new();
    let message = stage.envelope(&write(1, 2, How::Plainly));
    let payload = vec![b'x'; choreography::PAYLOAD_BYTES_MAX + 1].into();
    stage.bus.publish(&Envelope { payload, ..message }).unwrap();
    let message = stage.envelope(&write(1, 2, How::Plainly));
    let headers = message.headers.with("tracestate", "x".repeat(60_000));
    stage.bus.publish(&Envelope { headers, ..message }).unwrap();
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert!(stage.log(1).await.is_empty());
    until("they have dead letters", || async { stage.dead_letters().len() == 2 }).await;
    assert!(stage.dead_letters().iter().all(|letter| letter.header("dead-cut").is_some()));
    healthy(&scribe).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn fallbacks_are_called_in_the_order_of_their_key() {
    let stage = Stage::new();
    let expiry = stage.clock.now() - SignedDuration::from_millis(1);
    stage.write(1, 1);
    stage.bus.publish(&stage.envelope_until(&write(1, 2, How::Plainly), expiry)).unwrap();
    stage.publish(write(1, 3, How::Panicking));
    let scribe = stage.start().await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, ["write 1", "not written: expired", "not written: poison"]);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn a_compensation_never_expires() {
    let stage = Stage::new();
    let expiry = stage.clock.now() - SignedDuration::from_secs(86_400);
    stage.bus.publish(&stage.envelope_until(&TearOut { page: 1 }, expiry)).unwrap();
    let scribe = stage.start().await;
    stage.logged(1, "torn out").await;
    stage.all_is_received().await;
    assert!(stage.dead_letters().is_empty());
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn thousands_of_poison_messages_do_not_delay_others() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counts = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let stage = Stage::new();
    for line in 0..1_200 {
        stage.publish(write(line % 7, line, if line % 2 == 0 { How::Panicking } else { How::Plainly }));
    }
    let scribe = stage.start().await;
    stage.all_is_received().await;
    until("the dead letters are published", || async { stage.dead_letters().len() == 600 }).await;
    let lines = |page| written((0..1_200).filter(|line| line % 7 == page && line % 2 == 1));
    for page in 0..7 {
        let log = stage.log(page).await;
        assert_eq!(log.into_iter().filter(|entry| entry.starts_with("write")).collect::<Vec<_>>(), lines(page));
    }
    assert!(
        stage
            .dead_letters()
            .iter()
            .all(|dead_letter| dead_letter.subject.starts_with(&format!("dead.scribe.{}", Write::NAME)))
    );
    let counted = "choreography_messages_dead_total{service=\"scribe\",reason=\"poison\"} 600";
    assert!(counts.render().contains(counted), "{}", counts.render());
    healthy(&scribe).await;
    tokio::time::timeout(ms(10_000), scribe.stop()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_that_die_of_one_cause_have_one_fingerprint_and_the_server_takes_their_dead_letters() {
    let stage = Stage::new();
    for page in 1..=40 {
        // A word of 40 KB where a number belongs: the error quotes all of it.
        let (word, message) =
            (format!("{}{page}", "ink".repeat(15_000)), stage.envelope(&write(page, 1, How::Plainly)));
        let payload = format!("{{\"page\": {page}, \"line\": \"{word}\", \"how\": \"Plainly\"}}").into();
        stage.bus.publish(&Envelope { payload, ..message }).unwrap();
    }
    let scribe = stage.start().await;
    stage.all_is_received().await;
    until("their dead letters are published", || async { stage.dead_letters().len() == 40 }).await;
    let fingerprints =
        stage.dead_letters().into_iter().map(|letter| letter.header("dead-fingerprint").map(str::to_owned));
    let fingerprints: std::collections::BTreeSet<_> = fingerprints.collect();
    assert_eq!(fingerprints.len(), 1, "{fingerprints:?}");
    until("what comes after them is published", || async { stage.outgoing().contains(&"written.999999".to_owned()) })
        .await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_the_message_that_violates_a_constraint_dies() {
    let stage = Stage::new();
    for page in 1..=100 {
        stage.write(page, page);
    }
    stage.store.faults().refuse_rows_with(Some("write 37\""));
    let scribe = stage.start().await;
    stage.all_is_received().await;
    until("it dies", || async { stage.dead_letters().len() == 1 }).await;
    let dead_letter = stage.dead_letters().remove(0);
    assert_eq!((&*dead_letter.subject, dead_letter.header("dead-reason")), ("dead.scribe.write.37", Some("poison")));
    assert!(dead_letter.header("dead-detail").unwrap().starts_with("a constraint is violated: "));
    for page in (1..=100).filter(|page| *page != 37) {
        assert_eq!(stage.log(page).await, written([page]));
    }
    assert_eq!(stage.log(37).await, ["not written: poison"]);
    let open = crate::diary::OpenPage { page: 500, title: "write 37".to_owned() };
    stage.store.faults().refuse_rows_with(Some("open write 37"));
    assert!(scribe.execute(open).await.unwrap_err().to_string().contains("a constraint is violated"));
    healthy(&scribe).await;
    scribe.stop().await;
}
