//! The faults that a test injects into the server in memory.

use std::time::Duration;

use choreography::bus::memory::MemoryBus;
use choreography::bus::{Bus, BusError, Connection, Stream};
use futures::FutureExt;

use crate::{envelope, payloads, publish, receive};

async fn six_messages() -> (MemoryBus, Box<dyn Connection>) {
    let bus = MemoryBus::new();
    bus.add_consumer("payment-0", &["order.*.*"]);
    let connection = bus.connect().await.unwrap();
    for payload in ["a", "b", "c", "d", "e", "f"] {
        publish(&*connection, "order.create.o1", payload).await.unwrap();
    }
    (bus, connection)
}

#[tokio::test(start_paused = true)]
async fn published_messages_can_be_read() {
    let (bus, connection) = six_messages().await;
    publish(&*connection, "dead.payment.create.o1", "dead").await.unwrap();
    assert_eq!(bus.published().len(), 6);
    let second = bus.published().remove(1);
    assert_eq!((second.sequence, second.envelope), (2, envelope("order.create.o1", "b")));
    let dead_letters = bus.dead_letters().into_iter().map(|stored| (stored.sequence, stored.envelope));
    assert_eq!(dead_letters.collect::<Vec<_>>(), [(1, envelope("dead.payment.create.o1", "dead"))]);
}

#[tokio::test(start_paused = true)]
async fn messages_after_a_sequence_can_be_lost() {
    let (bus, connection) = six_messages().await;
    let (id, created) = (connection.server_id(), connection.stream(Stream::Events).await.unwrap().created);
    bus.faults().forget_after(2);
    assert!(!connection.lost().await.is_empty());
    let connection = bus.connect().await.unwrap();
    assert_ne!(connection.server_id(), id);
    let state = connection.stream(Stream::Events).await.unwrap();
    assert_eq!((state.created, state.first, state.last), (created, 1, 2));
    assert_eq!(publish(&*connection, "order.create.o1", "again").await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_recreated_stream_has_another_creation_time_and_no_consumers() {
    let (bus, connection) = six_messages().await;
    let created = connection.stream(Stream::Events).await.unwrap().created;
    bus.faults().recreate_stream();
    let state = connection.stream(Stream::Events).await.unwrap();
    assert_ne!(state.created, created);
    assert_eq!(state.last, 0);
    assert_eq!(connection.consumer_info("payment-0").await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_cut_loses_connections_and_is_not_a_restart() {
    let (bus, connection) = six_messages().await;
    bus.faults().cut();
    assert!(matches!(connection.publish(&envelope("order.create.o1", "g")).await, Err(BusError::Lost(_))));
    assert_eq!(bus.connect().await.unwrap().server_id(), connection.server_id());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_accepts_no_connection() {
    let (bus, connection) = six_messages().await;
    bus.faults().set_down(true);
    assert!(!connection.lost().await.is_empty());
    assert!(matches!(bus.connect().await.err(), Some(BusError::Lost(_))));
    bus.faults().set_down(false);
    assert!(bus.connect().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_message_with_a_dropped_acknowledgement_is_stored() {
    let (bus, connection) = six_messages().await;
    bus.faults().drop_acknowledgements(1);
    let started = tokio::time::Instant::now();
    assert!(matches!(publish(&*connection, "order.create.o1", "g").await, Err(BusError::Lost(_))));
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert_eq!(bus.published().len(), 7);
    assert_eq!(publish(&*connection, "order.create.o1", "h").await, Ok(8));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stores_nothing() {
    let (bus, connection) = six_messages().await;
    bus.faults().refuse(Some("no space left"));
    let refused = publish(&*connection, "order.create.o1", "g").await;
    assert_eq!(refused, Err(BusError::Refused("no space left".to_owned())));
    bus.faults().refuse(None);
    assert_eq!(publish(&*connection, "order.create.o1", "g").await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_has_the_next_consumer_sequence() {
    let (bus, connection) = six_messages().await;
    bus.faults().duplicate_next("payment-0");
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 7).await;
    assert_eq!(payloads(&incoming), ["a", "a", "b", "c", "d", "e", "f"]);
    assert_eq!((incoming[1].consumer_sequence, incoming[1].delivered, incoming[2].consumer_sequence), (2, 2, 3));
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_pull_leaves_gaps_in_the_consumer_sequences() {
    let (bus, connection) = six_messages().await;
    bus.faults().steal("payment-0", 2);
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 4).await;
    assert_eq!(payloads(&incoming), ["b", "d", "e", "f"]);
    assert_eq!(incoming.iter().map(|incoming| incoming.consumer_sequence).collect::<Vec<_>>(), [2, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_lost_after_two_heartbeats() {
    let (bus, connection) = six_messages().await;
    let mut pull = connection.pull("payment-0").await.unwrap();
    receive(&mut *pull, 6).await;
    let started = tokio::time::Instant::now();
    assert!(tokio::time::timeout(Duration::from_secs(3_600), pull.next(1)).await.is_err(), "idle is not silent");
    assert_eq!(started.elapsed(), Duration::from_secs(3_600));
    bus.faults().set_silent(true);
    assert!(matches!(pull.next(1).await, Err(BusError::Lost(_))));
    assert_eq!(started.elapsed(), Duration::from_secs(3_610));
}

#[tokio::test(start_paused = true)]
async fn messages_sent_to_a_dropped_pull_come_again_after_a_reset() {
    let (_bus, connection) = six_messages().await;
    assert_eq!(connection.pull("payment-0").await.unwrap().next(2).await.unwrap().len(), 2);
    let mut pull = connection.pull("payment-0").await.unwrap();
    assert!(pull.next(10).now_or_never().is_none());
    connection.reset("payment-0", 3).await.unwrap();
    assert_eq!(payloads(&receive(&mut *pull, 4).await), ["c", "d", "e", "f"]);
}

async fn sequences(connection: &dyn Connection) -> Vec<u64> {
    let own = connection.own_messages(Stream::Events, "order", 0, 100).await.unwrap();
    own.iter().map(|stored| stored.sequence).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_anywhere_can_be_lost() {
    for (lost, first, last, deleted, left) in [
        (3..5, 1, 6, 2, vec![1, 2, 5, 6]),
        (1..3, 3, 6, 0, vec![3, 4, 5, 6]),
        (5..9, 1, 4, 0, vec![1, 2, 3, 4]),
        (0..9, 0, 0, 0, vec![]),
    ] {
        let (bus, connection) = six_messages().await;
        let before = connection.stream(Stream::Events).await.unwrap();
        bus.faults().lose(Stream::Events, lost);
        let connection = bus.connect().await.unwrap();
        let state = connection.stream(Stream::Events).await.unwrap();
        assert_eq!((state.first, state.last, state.deleted, state.created), (first, last, deleted, before.created));
        assert_ne!(state.server_start, before.server_start);
        let holes: Vec<u64> = (state.first..=state.last).filter(|sequence| !left.contains(sequence)).collect();
        assert_eq!(connection.holes(Stream::Events).await.unwrap(), if left.is_empty() { vec![] } else { holes });
        assert_eq!(sequences(&*connection).await, left);
        assert_eq!(publish(&*connection, "order.create.o1", "next").await, Ok(last + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_put_back_gives_sequences_again_with_other_stamps() {
    let (bus, connection) = six_messages().await;
    let copy = bus.faults().copy();
    publish(&*connection, "order.create.o1", "lost").await.unwrap();
    publish(&*connection, "dead.payment.create.o1", "lost").await.unwrap();
    receive(&mut *connection.pull("payment-0").await.unwrap(), 7).await;
    let lost = connection.stamp_at(Stream::Events, 7).await.unwrap();
    let kept = connection.stamp_at(Stream::Events, 6).await.unwrap();
    bus.faults().put_back(&copy);
    let connection = bus.connect().await.unwrap();
    assert_eq!(sequences(&*connection).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(connection.stream(Stream::DeadLetters).await.unwrap().last, 0);
    assert_eq!(publish(&*connection, "order.create.o1", "new").await, Ok(7));
    assert_ne!(connection.stamp_at(Stream::Events, 7).await.unwrap(), lost);
    assert_eq!(connection.stamp_at(Stream::Events, 6).await.unwrap(), kept);
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 7).await;
    assert_eq!(incoming[6].envelope, envelope("order.create.o1", "new"));
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_message_is_delivered_and_listed_as_such() {
    let (bus, connection) = six_messages().await;
    bus.faults().store_unreadable(&envelope("order.create.o1", "g"), "no colon");
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 7).await;
    assert_eq!(incoming[6].unreadable.as_deref(), Some("no colon"));
    assert_eq!(incoming[5].unreadable, None);
    let own = connection.own_messages(Stream::Events, "order", 6, 10).await.unwrap();
    assert_eq!(own[0].unreadable.as_deref(), Some("no colon"));
}
