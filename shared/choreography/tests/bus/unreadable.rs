//! Messages that are against the protocol, published over a plain connection: each of them makes the client give up its
//! connection, so the bus must get past it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use choreography::bus::{Bus, BusError, Connection, Delivery, ReadFrom, Stored, Stories, Stream};
use choreography::dead_letters::{Filter, list};

use crate::server::Server;
use crate::{publish, soon};

/// Texts that a publisher may put where headers belong, and what the bus says about them.
const UNREADABLE: [(&[u8], &str); 5] = [
    (b"NATS/1.0\r\nce-id: 1\r\nno colon\r\n\r\n", "not a name, a colon and a value"),
    (b"NATS/1.0\r\nce-id: 1\r\nname: \xff\xfe\r\n\r\n", "not UTF-8"),
    (b"NATS/1.0\r\nce-id: 1\r\na name: 1\r\n\r\n", "not a name, a colon and a value"),
    (b"HTTP/1.1 200 OK\r\nce-id: 1\r\n\r\n", "first line"),
    (b"NATS/1.0\r\nce-id: 1\r\nname: 1\r2\r\n\r\n", "carriage return"),
];

/// After how long a pull is begun again: what the next message would be may have gone to an earlier connection.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Publishes a message as it is, and waits until the server has it.
fn publish_raw(server: &Server, subject: &[u8], headers: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut message =
        b"CONNECT {\"user\":\"admin\",\"pass\":\"secret\",\"verbose\":false,\"headers\":true}\r\nHPUB ".to_vec();
    message.extend_from_slice(subject);
    message.extend_from_slice(format!(" {} {}\r\n", headers.len(), headers.len() + 4).as_bytes());
    message.extend_from_slice(headers);
    message.extend_from_slice(b"{\"\"}\r\nPING\r\n");
    stream.write_all(&message).unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"PONG\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        read.push(byte[0]);
    }
    assert!(!String::from_utf8_lossy(&read).contains("-ERR"), "{}", String::from_utf8_lossy(&read));
}

/// Reads like an engine: connects, resets and pulls again behind the last message, whenever a connection ends, or a
/// message is not the next one. The server serves the request of an earlier connection until it notices that it is gone.
async fn read_on(bus: &dyn Bus, count: usize) -> Vec<Delivery> {
    let mut read: Vec<Delivery> = Vec::new();
    while read.len() < count {
        let connection = soon("connecting", bus.connect()).await.unwrap();
        let from = read.last().map_or(1, |last| last.stream_sequence + 1);
        assert_eq!(connection.reset("payment-0", from).await, Ok(from));
        let mut pull = connection.pull("payment-0").await.unwrap();
        let mut expected = 1;
        'pull: while let Ok(Ok(deliveries)) = tokio::time::timeout(SILENCE_MAX, pull.next(10)).await {
            for delivery in deliveries {
                if delivery.consumer_sequence != expected {
                    break 'pull;
                }
                expected += 1;
                read.push(delivery);
            }
            if read.len() >= count {
                break;
            }
        }
    }
    read
}

/// Reads again on a new connection while the connection is lost.
async fn again<T>(bus: &dyn Bus, read: impl AsyncFn(Box<dyn Connection>) -> Result<T, BusError>) -> T {
    for _ in 0..10 {
        match read(soon("connecting", bus.connect()).await.unwrap()).await {
            Err(BusError::Lost(_)) => {}
            read => return read.unwrap(),
        }
    }
    panic!("the connection is lost again and again");
}

fn problems(read: &[Stored]) -> Vec<(u64, bool)> {
    read.iter().map(|stored| (stored.sequence, stored.unreadable.is_some())).collect()
}

#[tokio::test]
async fn a_pull_gets_past_every_message_that_the_client_cannot_read() {
    let server = Server::provisioned().await;
    server.add_consumer("payment-0", &["order.create.*", "order.cancel.*"]).await;
    let bus = server.bus("admin");
    let connection = bus.connect().await.unwrap();
    publish(&*connection, "order.create.o1", "first").await.unwrap();
    for (headers, _) in UNREADABLE {
        publish_raw(&server, b"order.create.o1", headers);
        publish(&*connection, "order.cancel.o1", "between").await.unwrap();
    }
    publish_raw(&server, b"order.create.o1", UNREADABLE[0].0);
    publish_raw(&server, b"order.create.o1", UNREADABLE[1].0);
    publish_raw(&server, b"order.create.o\xff", b"NATS/1.0\r\nce-id: 1\r\n\r\n");
    publish_raw(&server, "order.create.o\u{3000}1".as_bytes(), b"NATS/1.0\r\nce-id: 1\r\n\r\n");
    publish(&*connection, "order.create.o1", "last").await.unwrap();
    let read = read_on(&bus, 16).await;
    let sequences: Vec<u64> = read.iter().map(|delivery| delivery.stream_sequence).collect();
    assert_eq!(sequences, (1..=16).collect::<Vec<_>>());
    let unreadable: Vec<u64> =
        read.iter().filter(|delivery| delivery.unreadable.is_some()).map(|it| it.stream_sequence).collect();
    assert_eq!(unreadable, [2, 4, 6, 8, 10, 12, 13, 14, 15]);
    for (index, (_, wanted)) in UNREADABLE.iter().enumerate() {
        let delivery = &read[index * 2 + 1];
        let problem = delivery.unreadable.as_ref().unwrap();
        assert!(problem.contains(wanted), "{wanted}: {problem}");
        assert_eq!(delivery.envelope.header("ce-id"), Some("1"));
        assert_eq!((&*delivery.envelope.subject, &*delivery.envelope.payload), ("order.create.o1", &b"{\"\"}"[..]));
        assert_eq!(connection.stamp_at(Stream::Events, delivery.stream_sequence).await, Ok(Some(delivery.stamp_ns)));
    }
}

#[tokio::test]
async fn a_stored_status_is_not_taken_for_one_of_the_server() {
    let server = Server::provisioned().await;
    server.add_consumer("payment-0", &["order.create.*"]).await;
    for status in ["404 No Messages", "503", "409 Consumer Deleted", "204 EOB", "100 Idle Heartbeat"] {
        let headers = format!("NATS/1.0 {status}\r\nce-id: 1\r\n\r\n");
        publish_raw(&server, b"order.create.o1", headers.as_bytes());
        publish_raw(&server, b"dead.payment.create.o1", headers.as_bytes());
    }
    let bus = server.bus("admin");
    let read = read_on(&bus, 5).await;
    assert!(read.iter().all(|delivery| delivery.envelope.header("ce-id") == Some("1")));
    let connection = bus.connect().await.unwrap();
    assert_eq!(connection.dead_letters(ReadFrom::Sequence(1), 10).await.unwrap().len(), 5);
}

#[tokio::test]
async fn lists_get_past_messages_that_the_client_cannot_read() {
    let server = Server::provisioned().await;
    let bus = server.bus("admin");
    let connection = bus.connect().await.unwrap();
    let begun = connection.stream(Stream::Events).await.unwrap().at;
    for (headers, _) in UNREADABLE {
        publish(&*connection, "order.create.o1", "a").await.unwrap();
        publish(&*connection, "dead.payment.create.o1", "a").await.unwrap();
        publish_raw(&server, b"order.create.o1", headers);
        publish_raw(&server, b"dead.payment.create.o1", headers);
    }
    let wanted: Vec<(u64, bool)> = (1..=10).map(|sequence| (sequence, sequence % 2 == 0)).collect();
    for from in [ReadFrom::Sequence(1), ReadFrom::Time(begun), ReadFrom::Sequence(1)] {
        let read = again(&bus, async |connection| connection.dead_letters(from, 100).await).await;
        assert_eq!(problems(&read), wanted);
    }
    let own = again(&bus, async |connection| connection.own_messages(Stream::Events, "order", 0, 100).await).await;
    assert_eq!(problems(&own), wanted);
    let dead = again(&bus, async |it| it.own_messages(Stream::DeadLetters, "payment", 3, 100).await).await;
    assert_eq!(problems(&dead), wanted[3..]);
    let first = again(&bus, async |connection| connection.first_after("order.create.*", 1).await).await;
    assert_eq!(first.map(|(sequence, _)| sequence), Some(2));
    let mut story = bus.story("o1", 0, 100).await;
    while let Err(BusError::Lost(_)) = story {
        story = bus.story("o1", 0, 100).await;
    }
    assert_eq!(story.unwrap().len(), 10);
}

#[tokio::test]
async fn the_operator_can_list_dead_letters_that_the_client_cannot_read() {
    let server = Server::provisioned().await;
    publish_raw(&server, b"dead.payment.create.o1", UNREADABLE[0].0);
    let client = server.admin().await;
    let entries = soon("the list", list(&client, &Filter::default(), &mut |_| ())).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].dead_letter.flaw.as_ref().is_some_and(|flaw| flaw.contains("colon")), "{entries:?}");
}
