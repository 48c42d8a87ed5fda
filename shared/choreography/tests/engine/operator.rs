//! An operator lets a halted service go on: each choice reads what it says, does nothing twice, and reports what it leaves
//! out as lost.

use choreography::bus::{Bus as _, Progress, Stream};
use choreography::recovery::GoOn;
use choreography::{Envelope, Service};

use crate::diary::{How, Write};
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

fn publish_lines(stage: &Stage, lines: std::ops::Range<u32>) {
    for line in lines {
        stage.publish(Write { page: 1, line, how: How::NotIdempotently });
    }
}

/// Lets a scribe halt at a stream with lines 0 to 5, of which it has not read 2 and 3, and with lines 20 to 24, which were
/// stored later than what it read last. Of the others it has read 6 to 9, and 10 and 11 are lost.
async fn halted() -> (Stage, Service) {
    let stage = Stage::new();
    publish_lines(&stage, 0..6);
    let copy = stage.bus.faults().copy();
    stage.bus.faults().lose(Stream::Events, 3..=4);
    let scribe = stage.start_unchecked().await;
    publish_lines(&stage, 6..10);
    stage.all_is_received().await;
    let last = stage.bus.published().last().unwrap().sequence;
    for number in 0..10 {
        let envelope = Envelope { subject: format!("baker.bread-baked.{number}").into(), ..Envelope::default() };
        stage.bus.publish(&envelope).unwrap();
    }
    // The limits remove what the copy has, and what is read after that is all that the scribe remembers.
    pass(ms(120_000)).await;
    stage.bus.faults().forget_before(last + 5);
    pass(ms(5_000)).await;
    publish_lines(&stage, 10..12);
    stage.bus.faults().put_back(&copy);
    until("it is halted", || async { stage.head().await.halted.is_some() }).await;
    publish_lines(&stage, 20..25);
    note_all(&stage).await;
    pass(ms(5_000)).await;
    (stage, scribe)
}

/// Notes as the author that everything it has published is stored or lost.
pub(crate) async fn note_all(stage: &Stage) {
    let connection = stage.bus.connect().await.unwrap();
    let state = connection.stream(Stream::Events).await.unwrap();
    let last = stage.bus.published().into_iter().rfind(|stored| stored.envelope.subject.starts_with("author.write."));
    let header = |name| last.as_ref().unwrap().envelope.header(name).unwrap().to_owned();
    let (outbox, number) = (header("ce-outbox").parse().unwrap(), header("ce-number").parse().unwrap());
    let settled = [(outbox, [("write".to_owned(), number)].into())].into();
    let note = Progress { server_start: state.server_start, up_to: state.last, settled, ..Progress::default() };
    connection.note_progress("author", &note).await.unwrap();
}

/// Lets the scribe go on, and returns which lines it reads then, and how many messages are lost.
async fn after(go_on: GoOn) -> (Vec<u32>, u64) {
    let (stage, scribe) = halted().await;
    let before = stage.log(1).await.len();
    stage.recovery().resume(go_on).await.unwrap();
    healthy(&scribe).await;
    stage.logged(1, "write 24").await;
    pass(ms(10_000)).await;
    let log = stage.log(1).await;
    let read = log[before..].iter().map(|entry| entry.strip_prefix("write ").unwrap().parse().unwrap()).collect();
    let lost = stage.recovery().report().await.unwrap().lost;
    let count = lost.iter().map(|lost| lost.range.last + 1 - lost.range.first).sum();
    let reported = scribe.health().lost.unwrap_err();
    assert!(reported.starts_with(&format!("{count} messages")), "{reported}");
    assert_eq!(stage.dead_letters().len(), lost.len());
    scribe.stop().await;
    (read, count)
}

#[tokio::test(start_paused = true)]
async fn as_proposed_it_goes_on_at_what_was_stored_later_and_reports_the_rest_as_lost() {
    assert_eq!(after(GoOn::Proposed).await, ((20..25).collect(), 4));
}

#[tokio::test(start_paused = true)]
async fn from_the_first_message_it_reads_all_that_the_stream_has() {
    assert_eq!(after(GoOn::First).await, ([2, 3].into_iter().chain(20..25).collect(), 2));
}

#[tokio::test(start_paused = true)]
async fn from_a_sequence_it_reads_what_lies_behind_it() {
    assert_eq!(after(GoOn::At(4)).await, ([3].into_iter().chain(20..25).collect(), 3));
}

#[tokio::test(start_paused = true)]
async fn a_sequence_behind_a_hole_is_known_again_by_the_message_before_the_hole() {
    let stage = Stage::new();
    publish_lines(&stage, 0..5);
    let copy = stage.bus.faults().copy();
    publish_lines(&stage, 5..20);
    stage.bus.faults().lose(Stream::Events, 8..=10);
    let scribe = stage.start_unchecked().await;
    stage.all_is_received().await;
    scribe.stop().await;
    assert_eq!(stage.recovery().resume(GoOn::At(11)).await.unwrap(), 11);
    assert_eq!(stage.head().await.position.sequence, 7);
    // Others have the sequences behind the hole before the service starts.
    stage.bus.faults().put_back(&copy);
    publish_lines(&stage, 20..40);
    let scribe = stage.start_unchecked().await;
    stage.all_is_received().await;
    let log = stage.log(1).await;
    for line in 20..40 {
        let entry = format!("write {line}");
        assert_eq!(log.iter().filter(|logged| **logged == entry).count(), 1, "{entry} in {log:?}");
    }
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn behind_the_last_message_it_goes_on_with_the_next_one() {
    let stage = Stage::new();
    publish_lines(&stage, 0..5);
    let scribe = stage.start_unchecked().await;
    stage.all_is_received().await;
    scribe.stop().await;
    let last = stage.bus.published().last().unwrap().sequence;
    assert_eq!(stage.recovery().resume(GoOn::At(last + 1)).await.unwrap(), last + 1);
    assert_eq!(stage.head().await.position.sequence, last);
}
