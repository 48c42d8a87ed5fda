//! Several instances over one database: one reads and publishes, another takes over.

use std::sync::Arc;

use choreography::store::{Changes, NewOutboxRow, PublishingStore as _, ReadingStore as _, RowName, Store as _};
use choreography::{Envelope, Headers, Service, Settings};
use jiff::SignedDuration;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::diary::press::Press;
use crate::diary::{How, OpenPage, Print, Remind, Write};
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy, written};
use crate::{ms, pass, until};

/// Starts an instance that leads and can be paused.
async fn start_pausable(stage: &Stage, settings: Settings) -> (Service, PausableStore) {
    let store = PausableStore::over(stage.store.clone());
    let scribe = stage.start_over(Arc::new(store.clone()), settings).await;
    healthy(&scribe).await;
    (scribe, store)
}

#[tokio::test(start_paused = true)]
async fn only_one_instance_reads_and_the_standby_is_healthy_too() {
    let stage = Stage::new();
    let (one, other) = (stage.start_unchecked().await, stage.start_as(1).await);
    healthy(&one).await;
    healthy(&other).await;
    for line in 0..1_000 {
        stage.publish(Write { page: 1, line, how: How::NotIdempotently });
        if line % 100 == 0 {
            stage.logged(1, &format!("write {line}")).await;
        }
    }
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..1_000));
    assert_eq!(stage.head().await.epoch, 1);
    assert!(stage.dead_letters().is_empty());
    tokio::join!(one.stop(), other.stop());
    assert_eq!(stage.all_published("written").len(), 1_001);
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_stops_the_standby_takes_over() {
    let stage = Stage::new();
    let one = stage.start().await;
    healthy(&one).await;
    let other = stage.start_as(1).await;
    stage.write(1, 1);
    stage.all_is_received().await;
    one.stop().await;
    let stopped = stage.clock.now();
    stage.write(1, 2);
    stage.logged(1, "write 2").await;
    assert!(stage.clock.now().duration_since(stopped).as_millis() <= 1_000);
    until("it publishes too", || async { stage.outgoing().len() == 3 }).await;
    other.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn when_the_leader_is_paused_the_standby_takes_over_within_five_seconds() {
    let stage = Stage::new();
    let (one, store) = start_pausable(&stage, stage.settings()).await;
    let other = stage.start_as(1).await;
    pass(ms(3_333)).await;
    store.pause();
    let paused = stage.clock.now();
    stage.write(1, 1);
    stage.logged(1, "write 1").await;
    assert!(stage.clock.now().duration_since(paused).as_millis() <= 5_000);
    store.resume();
    healthy(&one).await;
    stage.write(1, 2);
    stage.logged(1, "write 2").await;
    // The one that was paused stands by until it can lead again.
    other.stop().await;
    stage.write(1, 3);
    stage.logged(1, "write 3").await;
    one.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_paused_in_the_middle_of_a_batch_commits_nothing_when_it_resumes() {
    let stage = Stage::new();
    let unchecked = Settings { check_idempotence: false, ..stage.settings() };
    let (one, store) = start_pausable(&stage, unchecked.clone()).await;
    store.pause();
    for line in 0..10 {
        stage.publish(Write { page: 1, line, how: How::NotIdempotently });
    }
    pass(ms(100)).await;
    let other = stage.start_with(Settings { instance: 1, ..unchecked }).await;
    stage.all_is_received().await;
    let head = stage.head().await;
    store.resume();
    until("it stands by", || async { one.health().reading.is_ok() }).await;
    pass(ms(10_000)).await;
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..10));
    assert_eq!(stage.head().await.epoch, head.epoch);
    assert!(one.execute(OpenPage { page: 2, title: "May".to_owned() }).await.is_ok());
    tokio::join!(one.stop(), other.stop());
    assert_eq!(stage.outgoing().iter().filter(|outgoing| *outgoing == "written.1").count(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_due_while_the_leader_was_paused_is_published_once() {
    // The leader is paused in the batch in which the message is due, or before.
    for due_ms in [50, 2_000] {
        let stage = Stage::new();
        let (one, store) = start_pausable(&stage, stage.settings()).await;
        one.execute(Remind { page: 1, line: 1, after_ms: Some(due_ms) }).await.unwrap();
        store.pause();
        pass(ms(10_000)).await;
        let other = stage.start_as(1).await;
        stage.logged(1, "ring 1").await;
        store.resume();
        pass(ms(10_000)).await;
        assert_eq!(stage.outgoing(), ["ring.1"]);
        tokio::join!(one.stop(), other.stop());
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_loses_the_lease_while_it_processes_messages_one_by_one_receives_none_any_more() {
    let stage = Stage::new();
    stage.two_processes_crash().await;
    let (one, store) = start_pausable(&stage, stage.settings()).await;
    one.execute(Remind { page: 2, line: 1, after_ms: Some(20) }).await.unwrap();
    store.pause();
    let opened = async { one.execute(OpenPage { page: 3, title: "May".to_owned() }).await.unwrap() };
    let meanwhile = async {
        pass(ms(10)).await;
        // It comes together with a message that is due, which only the leader publishes.
        stage.write(1, 1);
        pass(ms(50)).await;
        let now = stage.clock.now();
        let (ended, until) = (now + SignedDuration::from_secs(60), now + SignedDuration::from_secs(5));
        stage.store.claim(None, ended, until).await.unwrap().expect("the lease has ended by then");
        store.resume();
    };
    tokio::join!(opened, meanwhile);
    pass(ms(3_000)).await;
    assert!(stage.log(1).await.is_empty(), "another instance leads");
    stage.logged(1, "write 1").await;
    stage.logged(2, "ring 1").await;
    one.stop().await;
}

/// Lets both instances run the same effect: it fails in the one that is paused, and succeeds in the one that takes
/// over.
async fn done_elsewhere(pause: impl AsyncFnOnce(&Stage, &PausableStore), before_resume: impl AsyncFnOnce(&Stage)) {
    let stage = Stage::new();
    let settings = Settings { effect_time_max: ms(1), ..stage.settings() };
    let (one, store) = start_pausable(&stage, settings).await;
    stage.press.hold(true);
    stage.press.jam(1, 1);
    stage.publish(Print { page: 1, line: 1 });
    until("it runs", || async { stage.press.runs().len() == 1 }).await;
    pause(&stage, &store).await;
    let elsewhere = Stage { press: Press::default(), ..stage.clone() };
    let other = elsewhere.start_as(1).await;
    until("it is done there", || async { stage.outgoing() == ["printed.1"] }).await;
    before_resume(&stage).await;
    store.resume();
    pass(ms(10_000)).await;
    assert_eq!(stage.outgoing(), ["printed.1"]);
    assert!(stage.dead_letters().is_empty() && stage.log(1).await.is_empty());
    tokio::join!(one.stop(), other.stop());
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_was_done_elsewhere_while_it_ran_here_does_not_die_here() {
    let pause = async |_: &Stage, store: &PausableStore| store.pause();
    let fails = async |stage: &Stage| {
        stage.press.hold(false);
        pass(ms(100)).await;
    };
    done_elsewhere(pause, fails).await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_was_done_elsewhere_before_its_outcome_was_committed_does_not_die_here() {
    let pause = async |stage: &Stage, store: &PausableStore| {
        store.pause();
        stage.press.hold(false);
        pass(ms(50)).await;
    };
    done_elsewhere(pause, async |_: &Stage| ()).await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn an_effect_that_runs_elsewhere_does_not_die_here() {
    let stage = Stage::new();
    let (one, store) = start_pausable(&stage, Settings { effect_time_max: ms(1), ..stage.settings() }).await;
    stage.press.hold(true);
    stage.press.jam(1, 1);
    stage.publish(Print { page: 1, line: 1 });
    until("it runs", || async { stage.press.runs().len() == 1 }).await;
    store.pause();
    stage.press.hold(false);
    let elsewhere = Stage { press: Press::default(), ..stage.clone() };
    elsewhere.press.hold(true);
    let other = elsewhere.start_as(1).await;
    until("it runs there", || async { elsewhere.press.runs().len() == 1 }).await;
    store.resume();
    pass(ms(10_000)).await;
    elsewhere.press.hold(false);
    until("it is done there", || async { stage.outgoing() == ["printed.1"] }).await;
    assert!(stage.dead_letters().is_empty());
    tokio::join!(one.stop(), other.stop());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_processes_messages_one_by_one_keeps_its_lease_and_executes_commands() {
    let stage = Stage::new();
    for line in 0..500 {
        stage.write(1, line);
    }
    stage.two_processes_crash().await;
    let slow = PausableStore::slow(stage.store.clone(), ms(50));
    let one = stage.start_over(Arc::new(slow), stage.settings()).await;
    stage.logged(1, "write 1").await;
    let other = stage.start_as(1).await;
    let asked = stage.clock.now();
    one.execute(OpenPage { page: 2, title: "May".to_owned() }).await.unwrap();
    assert!(stage.clock.now().duration_since(asked).as_millis() <= 200);
    stage.logged(1, "write 499").await;
    assert!(stage.clock.now().duration_since(asked).as_secs() >= 20, "they were processed at once");
    assert_eq!(stage.head().await.epoch, 1);
    tokio::join!(one.stop(), other.stop());
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_leads_no_more_reports_no_effects_that_wait() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let oldest = || {
        let text = recorder.handle().render();
        let mut lines = text.lines().filter(|line| line.starts_with("choreography_effects_oldest_seconds"));
        lines.find(|line| line.contains("\"print\""))?.rsplit(' ').next()?.parse::<f64>().ok()
    };
    let stage = Stage::new();
    stage.press.hold(true);
    stage.publish(Print { page: 1, line: 1 });
    let scribe = stage.start().await;
    until("it waits", || async { oldest().is_some_and(|seconds| seconds > 2.0) }).await;
    let now = stage.clock.now();
    let (later, lease_until) = (now + SignedDuration::from_secs(5), now + SignedDuration::from_secs(7));
    stage.store.claim(None, later, lease_until).await.unwrap().expect("the lease has ended by then");
    pass(ms(3_000)).await;
    assert_eq!((oldest(), stage.head().await.epoch), (Some(0.0), 2));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_command_that_a_standby_executed_are_published_at_once() {
    let stage = Stage::new();
    let one = stage.start().await;
    healthy(&one).await;
    let other = stage.start_as(1).await;
    let mut executed = stage.clock.now();
    for page in 1..50 {
        let instance = if page % 3 == 0 { &one } else { &other };
        executed = stage.clock.now();
        instance.execute(OpenPage { page, title: "May".to_owned() }).await.unwrap();
    }
    until("all is published", || async { stage.outgoing().len() == 49 }).await;
    assert!(stage.clock.now().duration_since(executed).as_millis() <= 110);
    let pages: Vec<String> = (1..50).map(|page| format!("page-opened.{page}")).collect();
    assert_eq!(stage.outgoing(), pages);
    tokio::join!(one.stop(), other.stop());
}

#[tokio::test(start_paused = true)]
async fn instances_may_take_over_from_each_other_again_and_again() {
    let stage = Stage::new();
    let unchecked = |instance| Settings { instance, check_idempotence: false, ..stage.settings() };
    let mut one = stage.start_with(unchecked(0)).await;
    healthy(&one).await;
    for round in 0..10 {
        let other = stage.start_with(unchecked((round + 1) % 2)).await;
        for line in 0..100 {
            stage.publish(Write { page: 1, line: round * 100 + line, how: How::NotIdempotently });
        }
        pass(ms(u64::from(round) * 3)).await;
        one.stop().await;
        one = other;
    }
    stage.all_is_received().await;
    assert_eq!(stage.log(1).await, written(0..1_000));
    one.stop().await;
    assert_eq!(stage.all_published("written").len(), 1_001);
}

/// An instance that leads no more, and does not know it yet, commits a command and publishes its message while the new
/// leader compares the database with the stream.
#[tokio::test(start_paused = true)]
async fn a_message_that_was_committed_and_published_during_the_repair_is_not_taken_for_one_that_the_database_forgot() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    scribe.execute(OpenPage { page: 1, title: "May".to_owned() }).await.unwrap();
    scribe.stop().await;
    let store = PausableStore::over(stage.store.clone());
    store.hold_at_end_of_outbox(true);
    let scribe = stage.start_over(Arc::new(store.clone()), stage.settings()).await;
    until("the repair has read the outbox", || async { store.ends_of_outbox() > 0 }).await;
    let outbox = stage.clock.new_id();
    let names = [("ce-id", stage.clock.new_id().to_string()), ("ce-outbox", outbox.to_string())];
    let headers = Headers::from(names).with("ce-number", "1");
    let envelope = Envelope { subject: "scribe.page-opened.2".into(), headers, ..Envelope::default() };
    let name = RowName { outbox, kind: "page-opened".into(), number: 1 };
    let committed = vec![NewOutboxRow { name: name.clone(), envelope: envelope.clone(), placeholder: false }];
    let changes = Changes { outbox: committed, ..Changes::default() };
    stage.store.begin().await.unwrap().commit(changes).await.unwrap();
    stage.bus.publish(&envelope).unwrap();
    store.hold_at_end_of_outbox(false);
    healthy(&scribe).await;
    let rows = stage.store.outbox(0, 10).await.unwrap();
    let rows: Vec<_> = rows.iter().filter(|row| row.name == name).map(|row| (row.adopted, row.placeholder)).collect();
    assert_eq!(rows, [(false, false)]);
    let published = stage.all_published("page-opened").into_iter().map(|envelope| envelope.subject.to_string());
    let expected = ["page-opened.1", "page-opened.2"].map(|message| format!("scribe.{message}"));
    assert_eq!(published.collect::<Vec<_>>(), expected);
    scribe.stop().await;
}
