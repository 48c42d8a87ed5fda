//! What the server says after its files were damaged or put back: the facts on which reading and repairing rely.

use choreography::Envelope;
use choreography::bus::{Bus, Connection, Stream, StreamState};
use testkit::NatsServer;

use crate::server::Server;
use crate::{envelope, publish, soon};

/// Enough messages of 60 KB for several files of 8 MiB.
const MESSAGES: u64 = 450;

async fn state(server: &Server) -> StreamState {
    let connection = server.bus("admin").connect().await.unwrap();
    soon("the state", connection.stream(Stream::Events)).await.unwrap()
}

/// Returns a server with several files of messages, and the stamps of all.
async fn filled() -> (Server, Vec<i64>) {
    let server = Server::provisioned().await;
    let connection = server.bus("admin").connect().await.unwrap();
    let large = Envelope { payload: vec![b'x'; 60_000].into(), ..envelope("order.create.o1", "a") };
    for _ in 0..MESSAGES {
        soon("an acknowledgement", connection.publish(&large).await.unwrap()).await.unwrap();
    }
    (server, stamps(&*connection).await)
}

async fn stamps(connection: &dyn Connection) -> Vec<i64> {
    let mut stamps = Vec::new();
    for sequence in 1..=MESSAGES {
        stamps.push(connection.stamp_at(Stream::Events, sequence).await.unwrap().unwrap_or_default());
    }
    stamps
}

/// Ends the server, damages one of its files, and starts it again.
async fn damage(server: &Server, choose: impl Fn(usize) -> usize, damage: impl Fn(&std::path::Path)) {
    server.kill();
    let blocks = server.nats().blocks("EVENTS").unwrap();
    assert!(blocks.len() >= 3, "{blocks:?}");
    damage(&blocks[choose(blocks.len())]);
    server.start_again().await;
}

#[tokio::test]
async fn zeros_in_the_middle_leave_a_hole_that_the_server_lists() {
    let (server, before) = filled().await;
    let intact = state(&server).await;
    assert_eq!((intact.first, intact.last, intact.deleted), (1, MESSAGES, 0));
    damage(&server, |_| 1, |block| NatsServer::zero_middle(block).unwrap()).await;
    let damaged = state(&server).await;
    assert_eq!((damaged.first, damaged.last, &damaged.created), (1, MESSAGES, &intact.created));
    assert!(damaged.deleted > 0);
    assert_eq!(damaged.messages.amount, MESSAGES - damaged.deleted);
    assert_ne!(damaged.server_start, intact.server_start);
    let connection = server.bus("admin").connect().await.unwrap();
    let after = stamps(&*connection).await;
    let missing: Vec<u64> = (1..=MESSAGES).zip(&after).filter(|(_, stamp)| **stamp == 0).map(|(at, _)| at).collect();
    assert_eq!(missing.len() as u64, damaged.deleted);
    assert_eq!(connection.holes(Stream::Events).await.unwrap(), missing);
    assert!(before.iter().zip(&after).all(|(before, after)| *after == 0 || before == after));
    assert_eq!(publish(&*connection, "order.create.o1", "next").await, Ok(MESSAGES + 1));
}

#[tokio::test]
async fn an_empty_first_file_moves_the_first_sequence_and_shows_no_deleted_messages() {
    let (server, _) = filled().await;
    let intact = state(&server).await;
    damage(&server, |_| 0, |block| NatsServer::empty(block).unwrap()).await;
    let damaged = state(&server).await;
    assert!(damaged.first > 1 && damaged.deleted == 0, "{damaged:?}");
    assert_eq!((damaged.last, damaged.messages.amount), (MESSAGES, MESSAGES + 1 - damaged.first));
    assert_ne!(damaged.server_start, intact.server_start);
}

#[tokio::test]
async fn an_older_copy_gives_sequences_again_which_only_stamps_tell_apart() {
    let server = Server::provisioned().await;
    let connection = server.bus("admin").connect().await.unwrap();
    for _ in 0..3 {
        publish(&*connection, "order.create.o1", "a").await.unwrap();
    }
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy");
    server.nats().copy_store(&copy).unwrap();
    for sequence in 4..=6 {
        assert_eq!(publish(&*connection, "order.create.o1", "b").await, Ok(sequence));
    }
    let (newer, kept) = (state(&server).await, connection.stamp_at(Stream::Events, 3).await.unwrap());
    let lost = connection.stamp_at(Stream::Events, 5).await.unwrap();
    server.kill();
    server.nats().put_back(&copy).unwrap();
    server.start_again().await;
    let older = state(&server).await;
    assert_eq!((older.last, older.deleted, &older.created), (3, 0, &newer.created));
    assert_ne!(older.server_start, newer.server_start);
    let connection = server.bus("admin").connect().await.unwrap();
    for sequence in 4..=6 {
        assert_eq!(publish(&*connection, "order.create.o1", "c").await, Ok(sequence));
    }
    assert_eq!(connection.stamp_at(Stream::Events, 3).await, Ok(kept));
    let again = connection.stamp_at(Stream::Events, 5).await.unwrap();
    assert!(again.is_some() && again != lost);
}

#[tokio::test]
async fn kills_alone_leave_no_hole_and_another_start_each() {
    let server = Server::provisioned().await;
    let mut starts = vec![state(&server).await.server_start];
    for _ in 0..3 {
        let connection = server.bus("admin").connect().await.unwrap();
        publish(&*connection, "order.create.o1", "a").await.unwrap();
        assert_eq!(state(&server).await.server_start, starts[starts.len() - 1]);
        server.kill();
        server.start_again().await;
        starts.push(state(&server).await.server_start);
    }
    assert_eq!(state(&server).await.deleted, 0);
    starts.sort();
    starts.dedup();
    assert_eq!(starts.len(), 4);
}
