//! A connection to a real server never reconnects, and its loss is noticed at once.

use std::time::Duration;

use choreography::bus::jetstream::{JetStreamBus, JetStreamOptions};
use choreography::bus::{Bus, BusError, Connection, Stream};
use futures::future::join_all;
use testkit::Proxy;

use crate::server::Server;
use crate::{envelope, publish, receive, soon};

/// Far less than the time-out of these tests, which is a minute: whatever is faster did not wait for the time-out.
const AT_ONCE: Duration = Duration::from_secs(3);

async fn through(proxy: &Proxy, server: &Server) -> Box<dyn Connection> {
    JetStreamBus::new(patient(JetStreamOptions { url: proxy.url(), ..server.options("admin") }))
        .connect()
        .await
        .unwrap()
}

fn patient(options: JetStreamOptions) -> JetStreamOptions {
    JetStreamOptions { ack_timeout: Duration::from_secs(60), ..options }
}

async fn at_once<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_ONCE, happens).await.unwrap_or_else(|_| panic!("{what} did not happen at once"))
}

#[tokio::test]
async fn nothing_is_published_after_a_cut() {
    let server = Server::provisioned().await;
    let proxy = server.proxy();
    let connection = through(&proxy, &server).await;
    publish(&*connection, "order.create.o1", "before").await.unwrap();
    proxy.cut();
    // Some of these are published before the loss is noticed, some while the library reconnects, which must not send
    // them.
    let mut acknowledgements = Vec::new();
    soon("the end of the second attempt", async {
        while proxy.accepted() < 2 || proxy.ended() < 2 || acknowledgements.is_empty() {
            acknowledgements.extend(connection.publish(&envelope("order.create.o1", "lost")).await);
            tokio::task::yield_now().await;
        }
    })
    .await;
    at_once("the loss", connection.lost()).await;
    for _ in 0..50 {
        let refused = connection.publish(&envelope("order.create.o1", "lost")).await.err();
        assert!(matches!(refused, Some(BusError::Lost(_))), "{refused:?}");
    }
    let outcomes = at_once("the failure", join_all(acknowledgements)).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(BusError::Lost(_)))), "{outcomes:?}");
    let other = server.bus("admin").connect().await.unwrap();
    assert_eq!(publish(&*other, "order.create.o1", "from another").await, Ok(2));
}

#[tokio::test]
async fn outstanding_acknowledgements_fail_at_once_when_the_server_is_killed() {
    let server = Server::provisioned().await;
    server.add_consumer("payment-0", &["order.*.*"]).await;
    let proxy = server.proxy();
    let connection = through(&proxy, &server).await;
    let mut pull = connection.pull("payment-0").await.unwrap();
    proxy.freeze();
    let mut acknowledgements = Vec::new();
    for n in 0..100 {
        acknowledgements.push(connection.publish(&envelope("order.create.o1", &n.to_string())).await.unwrap());
    }
    server.kill();
    proxy.cut();
    let outcomes = at_once("the failure", join_all(acknowledgements)).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(BusError::Lost(_)))), "{outcomes:?}");
    assert!(matches!(at_once("the end", pull.next(1)).await, Err(BusError::Lost(_))));
}

#[tokio::test]
async fn a_silent_real_server_is_lost_after_two_heartbeats() {
    let server = Server::provisioned().await;
    server.add_consumer("payment-0", &["order.*.*"]).await;
    let proxy = server.proxy();
    let heartbeat = Duration::from_millis(200);
    let options = JetStreamOptions { url: proxy.url(), heartbeat, ..server.options("admin") };
    let connection = JetStreamBus::new(options).connect().await.unwrap();
    let mut pull = connection.pull("payment-0").await.unwrap();
    // Longer than a pull request lasts (six heartbeats) and than noticing its end would take.
    let idle = tokio::time::timeout(heartbeat * 9, pull.next(1)).await;
    assert!(idle.is_err(), "a server that sends heartbeats is not lost: {idle:?}");
    proxy.freeze();
    let silent = at_once("the silence", pull.next(1)).await;
    assert!(matches!(&silent, Err(BusError::Lost(text)) if text.contains("silent")), "{silent:?}");
}

#[tokio::test]
async fn a_connection_whose_other_end_has_gone_without_a_word_is_lost_before_a_request_times_out() {
    let server = Server::provisioned().await;
    let proxy = server.proxy();
    let connection = through(&proxy, &server).await;
    proxy.silence();
    let noticed = tokio::time::timeout(Duration::from_secs(4), connection.lost()).await;
    assert!(noticed.is_ok(), "it is not lost");
}

#[tokio::test]
async fn a_missing_acknowledgement_times_out() {
    let server = Server::provisioned().await;
    let proxy = server.proxy();
    let ack_timeout = Duration::from_millis(300);
    let options = JetStreamOptions { url: proxy.url(), ack_timeout, ..server.options("admin") };
    let connection = JetStreamBus::new(options).connect().await.unwrap();
    proxy.freeze();
    let outcome = at_once("the time-out", connection.publish(&envelope("order.create.o1", "a")).await.unwrap()).await;
    assert!(matches!(&outcome, Err(BusError::Lost(text)) if text.contains("no reply")), "{outcome:?}");
}

#[tokio::test]
async fn a_forbidden_message_is_refused_at_once_with_the_servers_text() {
    let server = Server::provisioned().await;
    let connection = JetStreamBus::new(patient(server.options("payment"))).connect().await.unwrap();
    let refused = at_once("a reply", publish(&*connection, "order.create.o1", "forged")).await;
    let wanted = "Permissions Violation for Publish to \"order.create.o1\"";
    assert!(matches!(&refused, Err(BusError::Refused(text)) if text.contains(wanted)), "{refused:?}");
    assert!(at_once("the loss", connection.lost()).await.contains(wanted));
}

#[tokio::test]
async fn a_forbidden_request_is_refused_at_once() {
    let server = Server::provisioned().await;
    server.add_consumer("order-0", &["order.*.*"]).await;
    let bus = JetStreamBus::new(patient(server.options("payment")));
    let refused = at_once("a reply", bus.connect().await.unwrap().consumer_info("order-0")).await;
    assert!(matches!(&refused, Err(BusError::Refused(text)) if text.contains("Permissions Violation")), "{refused:?}");
    let refused = at_once("a reply", bus.connect().await.unwrap().pull("order-0")).await.err();
    assert!(matches!(&refused, Some(BusError::Refused(text)) if text.contains("Permissions Violation")), "{refused:?}");
}

#[tokio::test]
async fn the_permissions_of_a_service_are_sufficient() {
    let server = Server::provisioned().await;
    server.add_consumer("payment-0", &["payment.*.*"]).await;
    let connection = server.bus("payment").connect().await.unwrap();
    assert_eq!(connection.consumer_info("payment-0").await.unwrap().unwrap().consumer, "payment-0");
    assert_eq!(connection.stream(Stream::Events).await.unwrap().last, 0);
    assert_eq!(connection.reset("payment-0", 1).await, Ok(1));
    publish(&*connection, "payment.expire.o1", "a").await.unwrap();
    publish(&*connection, "dead.payment.expire.o1", "a").await.unwrap();
    let mut pull = connection.pull("payment-0").await.unwrap();
    assert_eq!(receive(&mut *pull, 1).await[0].stream_sequence, 1);
}

#[tokio::test]
async fn a_wrong_password_is_named_in_the_error() {
    let server = Server::empty().await;
    let options = JetStreamOptions { password: "wrong".to_owned(), ..server.options("payment") };
    let refused = soon("a reply", JetStreamBus::new(options).connect()).await.err();
    assert!(matches!(&refused, Some(BusError::Lost(text)) if text.contains("authorization violation")), "{refused:?}");
}
