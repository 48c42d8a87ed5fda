//! Messages are published in order, however often the server dies, and kept for a while.

use choreography::store::{Changes, NewOutboxRow, RowName, Store as _};
use choreography::{Envelope, Headers, Service, Settings};

use crate::diary::OpenPage;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

async fn open(scribe: &Service, pages: std::ops::Range<u32>) {
    let opening = pages.map(|page| scribe.execute(OpenPage { page, title: "May".to_owned() }));
    futures::future::join_all(opening).await.into_iter().for_each(|reply| drop(reply.unwrap()));
}

fn opened(pages: std::ops::Range<u32>) -> Vec<String> {
    pages.map(|page| format!("page-opened.{page}")).collect()
}

async fn published(stage: &Stage, count: usize) {
    until("all is published", || async { stage.outgoing().len() >= count }).await;
}

#[tokio::test(start_paused = true)]
async fn messages_stay_in_order_when_acknowledgements_and_connections_are_lost() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    for round in 0..20 {
        match round % 4 {
            0 => stage.bus.faults().drop_acknowledgements(3),
            1 => stage.bus.faults().cut(),
            2 => stage.bus.faults().restart(),
            _ => {}
        }
        open(&scribe, round * 100..round * 100 + 60).await;
        stage.bus.faults().cut();
        open(&scribe, round * 100 + 60..round * 100 + 100).await;
    }
    published(&stage, 2_000).await;
    assert_eq!(stage.outgoing(), opened(0..2_000));
    healthy(&scribe).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_than_a_window_goes_out_in_order_after_an_outage() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.bus.faults().set_down(true);
    open(&scribe, 0..5_000 - 1_000).await;
    stage.bus.faults().set_down(false);
    open(&scribe, 4_000..5_000).await;
    published(&stage, 5_000).await;
    assert_eq!(stage.outgoing(), opened(0..5_000));
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn refused_messages_are_published_again_and_health_reports_the_refusal() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.bus.faults().refuse(Some("no space left"));
    open(&scribe, 0..10).await;
    until("health reports it", || async {
        scribe.health().publishing.is_err_and(|trouble| trouble.contains("no space left"))
    })
    .await;
    for _ in 0..200 {
        pass(ms(7)).await;
        assert!(scribe.health().publishing.is_err());
    }
    stage.bus.faults().refuse(None);
    published(&stage, 10).await;
    assert_eq!(stage.outgoing(), opened(0..10));
    healthy(&scribe).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_published_row_is_kept_as_long_as_the_service_is_connected_to_the_same_server() {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { outbox_kept: ms(20_000), ..stage.settings() }).await;
    healthy(&scribe).await;
    open(&scribe, 0..10).await;
    published(&stage, 10).await;
    stage.all_is_received().await;
    pass(ms(19_000)).await;
    assert_eq!(stage.backlog().await.outbox, 11);
    stage.bus.faults().restart();
    pass(ms(19_000)).await;
    assert_eq!(stage.backlog().await.outbox, 11);
    stage.bus.faults().set_down(true);
    pass(ms(60_000)).await;
    assert_eq!(stage.backlog().await.outbox, 11);
    stage.bus.faults().set_down(false);
    pass(ms(19_000)).await;
    assert_eq!(stage.backlog().await.outbox, 11);
    stage.all_is_received().await;
    pass(ms(4_000)).await;
    assert_eq!(stage.backlog().await.outbox, 1);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_service_deletes_its_outbox_rows() {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { outbox_kept: ms(20_000), ..stage.settings() }).await;
    healthy(&scribe).await;
    open(&scribe, 0..10).await;
    published(&stage, 10).await;
    pass(ms(25_000)).await;
    assert_eq!(stage.backlog().await.outbox, 0);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_rows_than_are_kept_so_long_are_kept_for_ten_seconds() {
    let stage = Stage::new();
    let scribe = stage.start_with(Settings { outbox_kept_max: 5, ..stage.settings() }).await;
    healthy(&scribe).await;
    open(&scribe, 0..10).await;
    published(&stage, 10).await;
    pass(ms(1_000)).await;
    open(&scribe, 10..15).await;
    stage.all_is_received().await;
    pass(ms(8_500)).await;
    assert_eq!(stage.backlog().await.outbox, 16);
    pass(ms(3_500)).await;
    assert_eq!(stage.backlog().await.outbox, 6);
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
pub(crate) async fn nothing_is_published_before_its_commit() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.store.faults().fail_next_commits(u32::MAX);
    let mut opening = Box::pin(open(&scribe, 0..5));
    assert!(futures::poll!(&mut opening).is_pending());
    pass(ms(10_000)).await;
    assert!(stage.outgoing().is_empty());
    stage.store.faults().fail_next_commits(0);
    opening.await;
    published(&stage, 5).await;
    scribe.stop().await;
}

/// Adds a message to the scribe's outbox by hand, as nothing that a service does.
async fn add_to_outbox(stage: &Stage, kind: &str, message: Envelope) {
    let outbox = stage.clock.new_id();
    let own = message.headers.iter().filter(|(name, _)| !["ce-outbox", "ce-number"].contains(name));
    let headers: Headers = own.collect();
    let headers = headers.with("ce-outbox", outbox.to_string()).with("ce-number", "1");
    let name = RowName { outbox, kind: kind.into(), number: 1 };
    let row = NewOutboxRow { name, envelope: Envelope { headers, ..message }, placeholder: false };
    let transaction = stage.store.begin().await.unwrap();
    transaction.commit(Changes { outbox: vec![row], ..Changes::default() }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_sent_becomes_a_dead_letter_and_stops_nothing_behind_it() {
    let stage = Stage::new();
    let template = stage.envelope(&crate::diary::Ring { page: 1, line: 1 });
    let message = |subject: &str| Envelope { subject: subject.into(), ..template.clone() };
    add_to_outbox(&stage, "written", message("scribe.written.a key")).await;
    let named = message("scribe.torn-out.1");
    add_to_outbox(&stage, "torn-out", Envelope { headers: named.headers.with("a name", "1"), ..named }).await;
    add_to_outbox(&stage, "*dead", message("dead.scribe.write.a key")).await;
    let large: Vec<u8> = vec![b'1'; 80 * 1_024];
    add_to_outbox(&stage, "rung", Envelope { payload: large.into(), ..message("scribe.rung.1") }).await;
    let scribe = stage.start().await;
    open(&scribe, 0..3).await;
    until("all is published", || async { stage.outgoing().iter().any(|subject| subject == "page-opened.2") }).await;
    healthy(&scribe).await;
    let mut published: Vec<_> =
        stage.bus.published().into_iter().map(|stored| stored.envelope.subject.to_string()).collect();
    published.sort();
    let opened = opened(0..3).into_iter().map(|subject| format!("scribe.{subject}"));
    let placeholders =
        ["scribe.rung.placeholder", "scribe.torn-out.placeholder", "scribe.written.placeholder"].map(str::to_owned);
    assert_eq!(published, opened.chain(placeholders).collect::<Vec<_>>());
    let subjects: Vec<_> = stage.dead_letters().iter().map(|dead| dead.subject.to_string()).collect();
    for (subject, published_as, cut, bytes, detail) in [
        ("dead.scribe.written.unknown", "scribe.written.a key", None, 19, "can't be sent"),
        (
            "dead.scribe.torn-out.1",
            "scribe.torn-out.1",
            Some("1 headers, and 0 bytes of the payload"),
            19,
            "can't be sent",
        ),
        (
            "dead.scribe.rung.1",
            "scribe.rung.1",
            Some("0 headers, and 16384 bytes of the payload"),
            64 * 1_024,
            "a message has at most 73728",
        ),
    ] {
        let dead = stage.dead_letters().into_iter().find(|dead| &*dead.subject == subject);
        let dead = dead.unwrap_or_else(|| panic!("{subject} is not among {subjects:?}"));
        assert_eq!((dead.header("dead-subject"), dead.header("dead-cut")), (Some(published_as), cut));
        assert_eq!(dead.payload.len(), bytes);
        assert!(dead.header("dead-detail").unwrap().contains(detail), "{:?}", dead.header("dead-detail"));
        assert!(dead.header("dead-unreadable").is_some());
    }
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_sent_has_one_dead_letter_though_the_answer_to_its_commit_is_lost() {
    let stage = Stage::new();
    let message = stage.envelope(&crate::diary::Ring { page: 1, line: 1 });
    let scribe = stage.start().await;
    healthy(&scribe).await;
    pass(ms(5_000)).await;
    add_to_outbox(&stage, "written", Envelope { subject: "scribe.written.a key".into(), ..message }).await;
    stage.store.faults().leave_next_commits_unanswered(1);
    until("it is set aside", || async { !stage.dead_letters().is_empty() }).await;
    pass(ms(20_000)).await;
    healthy(&scribe).await;
    assert_eq!((stage.dead_letters().len(), stage.all_published("written").len()), (1, 1));
    scribe.stop().await;
}
