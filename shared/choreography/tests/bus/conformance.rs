//! What every bus must do, as claims; each claim is tested in memory and with a real nats-server.

use choreography::Envelope;
use choreography::bus::{BusError, Progress, ReadFrom, Stream};
use futures::future::join_all;
use futures::{FutureExt, StreamExt};

use crate::setup::Setup;
use crate::{envelope, payloads, publish, receive, soon, until};

async fn messages_are_delivered_in_the_order_of_their_publishing(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    let outgoing: Vec<Envelope> =
        (0..2_500).map(|n| envelope(&format!("order.create.o{}", n % 7), &n.to_string())).collect();
    for window in outgoing.chunks(500) {
        let mut acknowledgements = Vec::new();
        for envelope in window {
            acknowledgements.push(connection.publish(envelope).await.unwrap());
        }
        soon("the acknowledgements", join_all(acknowledgements))
            .await
            .into_iter()
            .for_each(|done| assert!(done.is_ok()));
    }
    let mut pull = connection.pull("payment-0").await.unwrap();
    let incoming = receive(&mut *pull, outgoing.len()).await;
    for (index, (delivery, outgoing)) in incoming.iter().zip(&outgoing).enumerate() {
        let sequences = (delivery.stream_sequence, delivery.consumer_sequence, delivery.delivered);
        assert_eq!(sequences, (index as u64 + 1, index as u64 + 1, 1));
        assert_eq!(&delivery.envelope, outgoing);
    }
}

async fn an_acknowledgement_is_the_sequence_in_the_stream(setup: Setup) {
    let connection = setup.connect().await;
    assert_eq!(connection.stream(Stream::Events).await.unwrap().last, 0);
    assert_eq!(publish(&*connection, "order.create.o1", "a").await, Ok(1));
    assert_eq!(publish(&*connection, "payment.created.o1", "b").await, Ok(2));
    let state = connection.stream(Stream::Events).await.unwrap();
    assert_eq!((state.first, state.last), (1, 2));
    assert_eq!(setup.connect().await.stream(Stream::Events).await.unwrap().created, state.created);
}

async fn a_dead_letter_is_stored_in_a_stream_of_its_own(setup: Setup) {
    let connection = setup.connect().await;
    assert_eq!(publish(&*connection, "dead.payment.create.o1", "a").await, Ok(1));
    assert_eq!(connection.stream(Stream::Events).await.unwrap().last, 0);
}

async fn dead_letters_are_read_from_a_sequence_or_a_time_without_records(setup: Setup) {
    let connection = setup.connect().await;
    let begun = connection.stream(Stream::Events).await.unwrap().at;
    assert_eq!(connection.dead_letters(ReadFrom::Time(begun), 10).await, Ok(vec![]));
    for n in 0..600 {
        let subject = if n % 3 == 2 { "handled.payment.1" } else { "dead.payment.create.o1" };
        drop(connection.publish(&envelope(subject, &n.to_string())).await.unwrap());
    }
    publish(&*connection, "order.create.o1", "no dead letter").await.unwrap();
    publish(&*connection, "dead.payment.create.o1", "last").await.unwrap();
    let dead_letters = connection.dead_letters(ReadFrom::Time(begun), 1_000).await.unwrap();
    let sequences: Vec<u64> = dead_letters.iter().map(|stored| stored.sequence).collect();
    let wanted: Vec<u64> = (1..=601).filter(|sequence| sequence % 3 != 0).collect();
    assert_eq!(sequences, wanted);
    assert_eq!(dead_letters[400].envelope, envelope("dead.payment.create.o1", "last"));
    assert!(dead_letters.is_sorted_by_key(|stored| stored.at) && dead_letters[0].at >= begun);
    assert!(dead_letters[400].at <= connection.stream(Stream::Events).await.unwrap().at);
    let part = connection.dead_letters(ReadFrom::Sequence(3), 2).await.unwrap();
    assert_eq!(part, dead_letters[2..4]);
    assert_eq!(connection.dead_letters(ReadFrom::Sequence(602), 10).await, Ok(vec![]));
    let later = dead_letters[400].at + jiff::SignedDuration::from_secs(60);
    assert_eq!(connection.dead_letters(ReadFrom::Time(later), 10).await, Ok(vec![]));
}

async fn forged_headers_of_the_server_do_not_change_a_stored_message(setup: Setup) {
    let connection = setup.connect().await;
    let forged = [("Nats-Sequence", "77"), ("Nats-Time-Stamp", "2020-01-01T00:00:00Z"), ("Nats-Subject", "dead.x.y.z")];
    let forged_message = Envelope { headers: forged.into(), ..envelope("dead.payment.create.o1", "a") };
    assert_eq!(soon("an acknowledgement", connection.publish(&forged_message).await.unwrap()).await, Ok(1));
    let dead_letters = connection.dead_letters(ReadFrom::Sequence(1), 10).await.unwrap();
    assert_eq!((dead_letters.len(), dead_letters[0].sequence), (1, 1));
    assert!(dead_letters[0].at > "2021-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(&*dead_letters[0].envelope.subject, "dead.payment.create.o1");
}

async fn consumer_info_shows_how_far_a_consumer_is(setup: Setup) {
    setup.add_consumer("payment-0", &["order.create.*", "order.cancel.*"]).await;
    setup.add_consumer("payment-1", &["order.create.*", "order.cancel.*"]).await;
    let connection = setup.connect().await;
    for subject in ["order.create.o1", "order.update.o1", "order.cancel.o1", "order.create.o2"] {
        publish(&*connection, subject, "a").await.unwrap();
    }
    let mut pull = connection.pull("payment-0").await.unwrap();
    receive(&mut *pull, 3).await;
    let consumers = connection.consumers().await.unwrap();
    let named = |name: &str| consumers.iter().find(|consumer_info| consumer_info.consumer == name).cloned().unwrap();
    let (sent, standby) = (named("payment-0"), named("payment-1"));
    assert_eq!((sent.service(), sent.delivered, sent.sent, sent.pending), ("payment", 4, 3, 0));
    assert_eq!((standby.service(), standby.delivered, standby.sent, standby.pending), ("payment", 0, 0, 3));
    assert_eq!(connection.consumer_info("payment-0").await, Ok(Some(sent.clone())));
    assert_eq!(connection.reset("payment-0", 3).await, Ok(3));
    let back = connection.consumer_info("payment-0").await.unwrap().unwrap();
    // The pull may have taken them already.
    assert_eq!(back.sent + back.pending, 2);
    assert!(sent.receives("order", "create") && sent.receives("order", "cancel"));
    assert!(!sent.receives("order", "update") && !sent.receives("payment", "create"));
    let first = connection.first_after("order.create.*", 1).await.unwrap().unwrap();
    assert_eq!(first.0, 4);
    assert!(first.1 <= connection.stream(Stream::Events).await.unwrap().at);
    assert_eq!(connection.first_after("order.create.*", 4).await, Ok(None));
}

async fn a_message_has_one_stamp_wherever_it_is_read(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    for payload in ["a", "b", "c"] {
        publish(&*connection, "order.create.o1", payload).await.unwrap();
    }
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 3).await;
    let own = connection.own_messages(Stream::Events, "order", 0, 10).await.unwrap();
    for (delivery, stored) in incoming.iter().zip(&own) {
        assert_eq!((delivery.stream_sequence, delivery.stamp_ns), (stored.sequence, stored.stamp_ns()));
        let stamp = connection.stamp_at(Stream::Events, stored.sequence).await.unwrap();
        assert_eq!(stamp, Some(delivery.stamp_ns));
    }
    assert!(incoming.is_sorted_by(|one, next| one.stamp_ns < next.stamp_ns));
    assert_eq!(connection.stamp_at(Stream::Events, 4).await, Ok(None));
    assert_eq!(connection.stamp_at(Stream::DeadLetters, 1).await, Ok(None));
    assert_eq!(connection.first_stamped_after(0).await, Ok(Some(1)));
    assert_eq!(connection.first_stamped_after(incoming[0].stamp_ns).await, Ok(Some(2)));
    assert_eq!(connection.first_stamped_after(incoming[1].stamp_ns - 1).await, Ok(Some(2)));
    assert_eq!(connection.first_stamped_after(incoming[2].stamp_ns).await, Ok(None));
}

async fn own_messages_are_those_of_one_publisher(setup: Setup) {
    let connection = setup.connect().await;
    for subject in ["order.create.o1", "payment.created.o1", "order.cancel.o2", "dead.order.create.o1"] {
        publish(&*connection, subject, subject).await.unwrap();
    }
    publish(&*connection, "handled.order.1", "record").await.unwrap();
    publish(&*connection, "dead.payment.create.o1", "of another").await.unwrap();
    let listed = async |stream, after, max| {
        let own = connection.own_messages(stream, "order", after, max).await.unwrap();
        own.iter().map(|stored| (stored.sequence, stored.envelope.subject.to_string())).collect::<Vec<_>>()
    };
    let named = |own: &[(u64, &str)]| own.iter().map(|(n, name)| (*n, (*name).to_owned())).collect::<Vec<_>>();
    assert_eq!(listed(Stream::Events, 0, 10).await, named(&[(1, "order.create.o1"), (3, "order.cancel.o2")]));
    assert_eq!(listed(Stream::Events, 0, 1).await, named(&[(1, "order.create.o1")]));
    assert_eq!(listed(Stream::Events, 1, 10).await, named(&[(3, "order.cancel.o2")]));
    assert_eq!(listed(Stream::Events, 3, 10).await, []);
    let dead = named(&[(1, "dead.order.create.o1"), (2, "handled.order.1")]);
    assert_eq!(listed(Stream::DeadLetters, 0, 10).await, dead);
}

async fn a_note_is_what_was_written_last(setup: Setup) {
    let connection = setup.connect().await;
    let state = connection.stream(Stream::Events).await.unwrap();
    assert_eq!(connection.progress("order").await, Ok(None));
    for position in [5, 7] {
        let note = Progress { position, server_start: state.server_start.clone(), at: state.at, ..Progress::default() };
        connection.note_progress("order", &note).await.unwrap();
        assert_eq!(connection.progress("order").await, Ok(Some(note)));
    }
    assert_eq!(connection.progress("payment").await, Ok(None));
}

async fn a_stream_says_how_many_messages_it_has(setup: Setup) {
    let connection = setup.connect().await;
    for payload in ["a", "b", "c"] {
        publish(&*connection, "order.create.o1", payload).await.unwrap();
    }
    publish(&*connection, "dead.order.create.o1", "dead").await.unwrap();
    let state = connection.stream(Stream::Events).await.unwrap();
    assert_eq!((state.messages.amount, state.deleted, state.percent_used()), (3, 0, 0));
    assert_eq!(connection.stream(Stream::DeadLetters).await.unwrap().messages.amount, 1);
}

async fn a_consumer_receives_only_its_filtered_subjects(setup: Setup) {
    setup.add_consumer("payment-0", &["order.create.*", "payment.expire.*"]).await;
    let connection = setup.connect().await;
    for (subject, payload) in
        [("order.create.o1", "a"), ("order.update.o1", "b"), ("payment.expire.o2", "c"), ("order.create.o3", "d")]
    {
        publish(&*connection, subject, payload).await.unwrap();
    }
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 3).await;
    assert_eq!(payloads(&incoming), ["a", "c", "d"]);
    let sequences: Vec<_> =
        incoming.iter().map(|incoming| (incoming.stream_sequence, incoming.consumer_sequence)).collect();
    assert_eq!(sequences, [(1, 1), (3, 2), (4, 3)]);
}

async fn no_more_messages_than_the_limit_are_returned_at_once(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    for payload in ["a", "b", "c", "d", "e"] {
        publish(&*connection, "order.create.o1", payload).await.unwrap();
    }
    let mut pull = connection.pull("payment-0").await.unwrap();
    let mut incoming = Vec::new();
    while incoming.len() < 5 {
        let some = soon("a delivery", pull.next(2)).await.unwrap();
        assert!((1..=2).contains(&some.len()), "{}", some.len());
        incoming.extend(some);
    }
    assert_eq!(payloads(&incoming), ["a", "b", "c", "d", "e"]);
}

async fn a_dropped_wait_loses_no_message(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    let mut pull = connection.pull("payment-0").await.unwrap();
    assert!(pull.next(10).now_or_never().is_none());
    for payload in ["a", "b", "c"] {
        publish(&*connection, "order.create.o1", payload).await.unwrap();
        _ = tokio::time::timeout(std::time::Duration::ZERO, std::future::pending::<()>()).await;
    }
    assert_eq!(payloads(&receive(&mut *pull, 3).await), ["a", "b", "c"]);
}

async fn a_reset_delivers_again_and_counts_from_one(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    for payload in ["a", "b", "c", "d"] {
        publish(&*connection, "order.create.o1", payload).await.unwrap();
    }
    receive(&mut *connection.pull("payment-0").await.unwrap(), 4).await;
    assert_eq!(connection.reset("payment-0", 3).await, Ok(3));
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 2).await;
    let sequences: Vec<_> =
        incoming.iter().map(|incoming| (incoming.stream_sequence, incoming.consumer_sequence)).collect();
    assert_eq!((payloads(&incoming), sequences), (vec!["c", "d"], vec![(3, 1), (4, 2)]));
}

async fn a_reset_beyond_the_end_skips_messages_before_it(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    publish(&*connection, "order.create.o1", "a").await.unwrap();
    assert_eq!(connection.reset("payment-0", 3).await, Ok(3));
    let mut pull = connection.pull("payment-0").await.unwrap();
    for payload in ["b", "c"] {
        publish(&*connection, "order.create.o1", payload).await.unwrap();
    }
    let incoming = receive(&mut *pull, 1).await;
    assert_eq!((incoming[0].stream_sequence, incoming[0].consumer_sequence), (3, 1));
}

async fn a_reset_below_the_first_message_continues_with_the_first(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    for payload in ["a", "b", "c", "d"] {
        publish(&*connection, "order.create.o1", payload).await.unwrap();
    }
    setup.forget_before(3).await;
    let state = connection.stream(Stream::Events).await.unwrap();
    assert_eq!((state.first, state.last), (3, 4));
    assert_eq!(connection.reset("payment-0", 2).await, Ok(2));
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 2).await;
    assert_eq!((incoming[0].stream_sequence, incoming[0].consumer_sequence), (3, 1));
}

async fn a_missing_consumer_is_an_error(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    assert_eq!(connection.consumer_info("payment-0").await.unwrap().unwrap().consumer, "payment-0");
    assert_eq!(connection.consumer_info("payment-1").await, Ok(None));
    let reset = soon("a reset", connection.reset("payment-1", 1)).await;
    assert!(matches!(&reset, Err(BusError::Refused(text)) if text.contains("payment-1")), "{reset:?}");
    let pulled = soon("a pull", connection.pull("payment-1").await.unwrap().next(1)).await;
    assert!(matches!(&pulled, Err(BusError::Refused(text)) if text.contains("no such consumer")), "{pulled:?}");
}

async fn deleting_a_consumer_ends_its_pull(setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    publish(&*connection, "order.create.o1", "a").await.unwrap();
    let mut pull = connection.pull("payment-0").await.unwrap();
    receive(&mut *pull, 1).await;
    setup.remove_consumer("payment-0").await;
    let ended = soon("the end", pull.next(1)).await;
    assert!(matches!(&ended, Err(BusError::Lost(text)) if text.contains("Consumer Deleted")), "{ended:?}");
}

async fn a_subject_of_no_stream_is_refused(setup: Setup) {
    let connection = setup.connect().await;
    let refused = publish(&*connection, "gateway.create-order.o1", "a").await;
    assert!(matches!(&refused, Err(BusError::Refused(text)) if text.contains("no stream")), "{refused:?}");
    assert_eq!(publish(&*connection, "order.create.o1", "b").await, Ok(1));
}

async fn a_message_that_is_too_large_has_an_error_of_its_own(setup: Setup) {
    let connection = setup.connect().await;
    for size in [100_000, 2_000_000] {
        let refused = publish(&*connection, "order.create.o1", &"x".repeat(size)).await;
        assert!(matches!(refused, Err(BusError::TooLarge(_))), "{size}: {refused:?}");
    }
    let large = Envelope { payload: vec![b'x'; 64 * 1024].into(), ..envelope("order.create.o1", "b") };
    assert_eq!(soon("an acknowledgement", connection.publish(&large).await.unwrap()).await, Ok(1));
}

async fn a_message_that_cannot_be_sent_has_an_error_of_its_own(setup: Setup) {
    let connection = setup.connect().await;
    for subject in ["order.cre ate.o1", "order..o1", "order.create.", "order.create.*", "order.create.>", ""] {
        let refused = publish(&*connection, subject, "a").await;
        assert!(matches!(refused, Err(BusError::Unsendable(_))), "{subject:?}: {refused:?}");
    }
    for name in ["", "a name", "näme"] {
        let message = Envelope { headers: [(name, "1")].into(), ..envelope("order.create.o1", "a") };
        let refused = soon("a refusal", connection.publish(&message).await.unwrap()).await;
        assert!(matches!(refused, Err(BusError::Unsendable(_))), "{name:?}: {refused:?}");
    }
    assert_eq!(publish(&*connection, "order.create.o1", "b").await, Ok(1));
}

async fn no_more_than_some_bytes_are_sent_ahead_of_the_reader(setup: Setup) {
    const BYTES: u64 = 60_000;
    const SENT_MAX: u64 = 8 * 1_024 * 1_024 / BYTES + 1;
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    let mut outgoing = Vec::new();
    for number in 0..400 {
        let payload = format!("{number} {}", "x".repeat(BYTES as usize));
        outgoing.push(connection.publish(&envelope_of("order.create.o1", number, payload)).await.unwrap());
    }
    assert!(soon("the acknowledgements", join_all(outgoing)).await.iter().all(Result::is_ok));
    let mut pull = connection.pull("payment-0").await.unwrap();
    receive(&mut *pull, 1).await;
    let sent = async || connection.consumer_info("payment-0").await.unwrap().unwrap().sent;
    until("the server has sent ahead", || async { sent().await + 10 > SENT_MAX }).await;
    // Whatever it sent without a bound would be sent before this reply.
    assert_eq!(connection.stream(Stream::Events).await.unwrap().last, 400);
    assert!(sent().await <= SENT_MAX, "{} of at most {SENT_MAX}", sent().await);
    let incoming = receive(&mut *pull, 399).await;
    assert_eq!(incoming.last().map(|last| (last.stream_sequence, last.consumer_sequence)), Some((400, 400)));
}

fn envelope_of(subject: &str, number: usize, payload: String) -> Envelope {
    Envelope { payload: payload.into(), ..envelope(subject, &number.to_string()) }
}

async fn a_restart_ends_every_connection_and_changes_the_server_id(mut setup: Setup) {
    setup.add_consumer("payment-0", &["order.*.*"]).await;
    let connection = setup.connect().await;
    let state = connection.stream(Stream::Events).await.unwrap();
    let before = (connection.server_id(), state.created.clone());
    assert_eq!(setup.connect().await.stream(Stream::Events).await.unwrap().server_start, state.server_start);
    let start = state.server_start;
    publish(&*connection, "order.create.o1", "a").await.unwrap();
    let mut pull = connection.pull("payment-0").await.unwrap();
    receive(&mut *pull, 1).await;
    setup.restart().await;
    soon("the loss", connection.lost()).await;
    assert!(matches!(soon("an end", pull.next(1)).await, Err(BusError::Lost(_))));
    assert!(matches!(connection.publish(&envelope("order.create.o1", "b")).await, Err(BusError::Lost(_))));
    assert!(matches!(connection.stream(Stream::Events).await, Err(BusError::Lost(_))));
    let connection = setup.connect().await;
    assert_ne!(connection.server_id(), before.0);
    let state = connection.stream(Stream::Events).await.unwrap();
    assert_eq!((state.created, state.last), (before.1, 1));
    assert_ne!(state.server_start, start);
}

async fn a_story_has_the_messages_of_one_key_in_order(setup: Setup) {
    let connection = setup.connect().await;
    for n in 0..600 {
        let subject = ["order.create.o1", "payment.created.o1", "order.create.o2"][n % 3];
        drop(connection.publish(&envelope(subject, &n.to_string())).await.unwrap());
    }
    publish(&*connection, "order.create.o2", "last").await.unwrap();
    let story = setup.stories.story("o1", 0, 1_000).await.unwrap();
    let sequences: Vec<u64> = story.iter().map(|(sequence, _)| *sequence).collect();
    let wanted: Vec<u64> = (1..=600).filter(|sequence| sequence % 3 != 0).collect();
    assert_eq!(sequences, wanted);
    assert_eq!(story[1].1, envelope("payment.created.o1", "1"));
    let part = setup.stories.story("o1", 5, 2).await.unwrap();
    assert_eq!(part.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), [5, 7]);
    assert_eq!(setup.stories.story("nobody", 0, 10).await, Ok(vec![]));
    assert_eq!(setup.stories.story("o1", 601, 10).await, Ok(vec![]));
}

async fn a_followed_story_returns_new_messages(mut setup: Setup) {
    let connection = setup.connect().await;
    publish(&*connection, "order.create.o1", "before").await.unwrap();
    let mut followed = setup.stories.follow("o1").await.unwrap();
    for (subject, payload) in [("payment.created.o1", "a"), ("order.create.o2", "b"), ("order.update.o1", "c")] {
        publish(&*connection, subject, payload).await.unwrap();
    }
    assert_eq!(soon("a message", followed.next()).await, Some(envelope("payment.created.o1", "a")));
    assert_eq!(soon("a message", followed.next()).await, Some(envelope("order.update.o1", "c")));
    setup.restart().await;
    assert_eq!(soon("the end", followed.next()).await, None);
    assert_eq!(setup.stories.story("o1", 0, 10).await.unwrap().len(), 3);
}

async fn keys_that_are_not_one_token_are_refused(setup: Setup) {
    for key in ["*", ">", "o1.x", ""] {
        assert!(matches!(setup.stories.story(key, 0, 10).await, Err(BusError::InvalidKey(_))), "{key}");
        assert!(matches!(setup.stories.follow(key).await.err(), Some(BusError::InvalidKey(_))), "{key}");
    }
}

macro_rules! over_both {
    ($($claim:ident)*) => {
        mod memory { $(#[tokio::test(start_paused = true)] async fn $claim() { super::$claim(crate::setup::Setup::memory().await).await })* }
        mod jetstream { $(#[tokio::test] async fn $claim() { super::$claim(crate::setup::Setup::real().await).await })* }
    };
}

over_both! {
    messages_are_delivered_in_the_order_of_their_publishing
    an_acknowledgement_is_the_sequence_in_the_stream
    a_dead_letter_is_stored_in_a_stream_of_its_own
    dead_letters_are_read_from_a_sequence_or_a_time_without_records
    forged_headers_of_the_server_do_not_change_a_stored_message
    a_message_has_one_stamp_wherever_it_is_read
    own_messages_are_those_of_one_publisher
    a_note_is_what_was_written_last
    a_stream_says_how_many_messages_it_has
    consumer_info_shows_how_far_a_consumer_is
    a_consumer_receives_only_its_filtered_subjects
    no_more_messages_than_the_limit_are_returned_at_once
    a_dropped_wait_loses_no_message
    a_reset_delivers_again_and_counts_from_one
    a_reset_beyond_the_end_skips_messages_before_it
    a_reset_below_the_first_message_continues_with_the_first
    a_missing_consumer_is_an_error
    deleting_a_consumer_ends_its_pull
    a_subject_of_no_stream_is_refused
    a_message_that_is_too_large_has_an_error_of_its_own
    a_message_that_cannot_be_sent_has_an_error_of_its_own
    no_more_than_some_bytes_are_sent_ahead_of_the_reader
    a_restart_ends_every_connection_and_changes_the_server_id
    a_story_has_the_messages_of_one_key_in_order
    a_followed_story_returns_new_messages
    keys_that_are_not_one_token_are_refused
}
