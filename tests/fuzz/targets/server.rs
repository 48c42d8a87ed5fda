//! The server's answers, nearly right: the bus reads or refuses each, in time and without end.

use std::sync::Arc;
use std::time::Duration;

use choreography::Envelope;
use choreography::bus::jetstream::{JetStreamBus, JetStreamOptions};
use choreography::bus::{Bus, BusError, Connection, Progress, ReadFrom, Stored, Stream};
use tokio::runtime::{Builder, Runtime};

use super::server_answers::{answers_to, stored_and_delivered};
use crate::fake_server::{Answer, Planned, start};
use crate::target::{Case, Started};

/// How long the client waits for an answer.
const ACK_TIMEOUT: Duration = Duration::from_millis(60);
/// How often connecting is tried: on a busy machine the server may answer too late.
const CONNECTING_TRIES_MAX: u32 = 50;
/// How long a question may take: some answers and a wait each.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many messages are read at most.
const READ_MAX: usize = 10;

/// What is asked of the server.
const QUESTIONS: [&str; 12] = [
    "stream",
    "stamp",
    "first-stamped",
    "own",
    "dead-letters",
    "consumers",
    "consumer",
    "first-after",
    "progress",
    "note",
    "publish",
    "pull",
];

/// A question, and the answers to its requests.
#[derive(Debug)]
struct Exchange {
    question: &'static str,
    answers: Vec<Vec<Answer>>,
    /// Whether a message must be delivered: as it is, or as one that the client can't read.
    delivers: bool,
}

/// Answers are read or refused.
pub(crate) fn answers() -> Box<dyn Started> {
    Case::of(
        |draw| {
            if draw.once_in(4) {
                return Exchange { question: "pull", answers: stored_and_delivered(draw), delivers: true };
            }
            let question = draw.word(&QUESTIONS);
            let answers = (0..draw.below(3) + 1).map(|_| answers_to(question, &QUESTIONS, draw)).collect();
            Exchange { question, answers, delivers: false }
        },
        || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let planned = Planned::default();
            let url = runtime.block_on(start(planned.clone()));
            let mut client = Client { runtime, planned, url, connection: None };
            Box::new(move |exchange: &Exchange| client.ask(exchange))
        },
    )
}

/// A bus that is connected to the server.
struct Client {
    runtime: Runtime,
    planned: Planned,
    url: String,
    connection: Option<Box<dyn Connection>>,
}

impl Client {
    fn ask(&mut self, exchange: &Exchange) {
        *self.planned.lock().expect("nothing panics with it") = exchange.answers.iter().cloned().collect();
        let connection = self.connection.take();
        let (url, question, delivers) = (self.url.clone(), exchange.question, exchange.delivers);
        let asked = async move {
            let connection = match connection {
                Some(connection) => connection,
                None => connect(&url).await,
            };
            let outcome = ask(&*connection, question).await;
            assert!(!delivers || outcome.is_ok(), "{outcome:?}");
            outcome.is_ok().then_some(connection)
        };
        let asked = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await });
        self.connection = asked.expect("a question ends");
    }
}

async fn connect(url: &str) -> Box<dyn Connection> {
    let options =
        JetStreamOptions { ack_timeout: ACK_TIMEOUT, heartbeat: ACK_TIMEOUT, ..JetStreamOptions::new(url, "payment") };
    let bus: Arc<dyn Bus> = Arc::new(JetStreamBus::new(options));
    let mut connected = bus.connect().await;
    for _ in 1..CONNECTING_TRIES_MAX {
        if connected.is_ok() {
            break;
        }
        connected = bus.connect().await;
    }
    connected.expect("the server takes connections")
}

async fn ask(connection: &dyn Connection, question: &str) -> Result<(), BusError> {
    match question {
        "stream" => drop(connection.stream(Stream::Events).await?.percent_used()),
        "stamp" => drop(connection.stamp_at(Stream::Events, 5).await?),
        "first-stamped" => drop(connection.first_stamped_after(1_767_225_600_000_000_000).await?),
        "own" => check(&connection.own_messages(Stream::Events, "order", 3, READ_MAX).await?),
        "dead-letters" => check(&connection.dead_letters(ReadFrom::Sequence(1), READ_MAX).await?),
        "consumers" => drop(connection.consumers().await?),
        "consumer" => drop(connection.consumer_info("payment-0").await?),
        "first-after" => drop(connection.first_after("order.*.*", 4).await?),
        "progress" => drop(connection.progress("order").await?),
        "note" => connection.note_progress("payment", &Progress::default()).await?,
        "publish" => {
            let envelope = Envelope { subject: "payment.a.b".into(), ..Envelope::default() };
            _ = connection.publish(&envelope).await?.await?;
        }
        _ => {
            let mut pull = connection.pull("payment-0").await?;
            for delivery in pull.next(READ_MAX).await? {
                assert!(delivery.stream_sequence < u64::MAX && delivery.consumer_sequence < u64::MAX);
            }
        }
    }
    Ok(())
}

fn check(read: &[Stored]) {
    assert!(read.len() <= READ_MAX, "{}", read.len());
    for stored in read {
        assert!(stored.stamp_ns() != i64::MIN);
    }
}
