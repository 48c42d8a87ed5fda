//! A running service receives messages that are nearly right, notes of their publishers, and dead letters: it goes on,
//! and whatever it publishes can be sent.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_nats::{HeaderName, HeaderValue};
use choreography::bus::memory::MemoryBus;
use choreography::bus::{Bus, Progress, Stream};
use choreography::provision::MESSAGE_BYTES_MAX;
use choreography::store::Store;
use choreography::{Clock, Envelope, Service, Settings};
use contracts::NAMESPACE;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::draw::Draw;
use crate::envelope::envelope;
use crate::shop::{BEGINNING, messages_for, received_by, service};
use crate::target::{Case, Started};

/// The services whose engines are fuzzed: with scheduled messages, with effects, with several rows at a time.
const SERVICES: [&str; 4] = ["payment", "notify", "inventory", "order"];
/// The outbox in which the messages are numbered that are as they should be.
const OUTBOX: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0007);
/// How many messages a service receives before another one is started.
const MESSAGES_MAX: u64 = 2_000;
/// How long a service may take for a batch, in its own time.
const PATIENCE: Duration = Duration::from_secs(300);

/// What arrives at a service.
#[derive(Debug)]
enum Arrival {
    /// A message, with its outbox and number if they are not those that come next.
    Message(Envelope, Option<(Uuid, u64)>),
    /// A dead letter, or a record of a repair.
    DeadLetter(Envelope),
    /// What a publisher notes.
    Note(String, Progress),
    /// Time passes.
    Time(Duration),
}

/// What arrives at a service at once.
#[derive(Debug)]
struct Story {
    service: &'static str,
    arrivals: Vec<Arrival>,
}

/// A service goes on whatever arrives.
pub(crate) fn goes_on() -> Box<dyn Started> {
    let examples: Vec<(&'static str, Vec<Envelope>)> =
        SERVICES.iter().map(|service| (*service, messages_for(service))).collect();
    Case::of(
        move |draw| {
            let (service, examples) = draw.one(&examples);
            let arrivals = (0..draw.below(6) + 1).map(|_| arrival(examples, draw)).collect();
            Story { service, arrivals }
        },
        || {
            let mut running: HashMap<&'static str, Running> = HashMap::new();
            Box::new(move |story: &Story| {
                let service = running.entry(story.service).or_insert_with(|| Running::start(story.service));
                service.receive(&story.arrivals);
                if service.received > MESSAGES_MAX {
                    running.remove(story.service);
                }
            })
        },
    )
}

fn arrival(examples: &[Envelope], draw: &mut Draw<'_>) -> Arrival {
    match draw.below(16) {
        0 => Arrival::DeadLetter(dead_letter(draw.one(examples), draw)),
        1 => {
            let publisher = draw.one(examples).parts().map_or("order", |(publisher, ..)| publisher).to_owned();
            Arrival::Note(publisher, note(draw.one(examples), draw))
        }
        2 => Arrival::Time(Duration::from_secs(*draw.one(&[1, 1, 1, 6, 40]))),
        _ => {
            let numbers = draw.once_in(4).then(|| (*draw.one(&[Uuid::nil(), Uuid::max(), OUTBOX]), number(draw)));
            Arrival::Message(envelope(draw.one(examples), draw), numbers)
        }
    }
}

fn number(draw: &mut Draw<'_>) -> u64 {
    *draw.one(&[0, 1, 2, 50, 1_000_000, u64::from(u32::MAX), i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX])
}

fn note(example: &Envelope, draw: &mut Draw<'_>) -> Progress {
    let kind = example.parts().map_or("", |(_, name, _)| name).to_owned();
    let outbox = *draw.one(&[OUTBOX, Uuid::nil(), Uuid::max()]);
    let settled = BTreeMap::from([(outbox, BTreeMap::from([(kind.clone(), number(draw))]))]);
    let versions = BTreeMap::from([(kind, vec![1, u32::MAX])]);
    Progress { settled, versions, up_to: number(draw), position: number(draw), ..Progress::default() }
}

fn dead_letter(example: &Envelope, draw: &mut Draw<'_>) -> Envelope {
    let (_, name, key) = example.parts().unwrap_or_default();
    let subject = match draw.below(4) {
        0 => format!("handled.{}.{}", draw.one(&SERVICES), number(draw)),
        _ => format!("dead.{}.{name}.{key}", draw.one(&SERVICES)),
    };
    let headers = example.headers.with("dead-reason", draw.one(&["poison", "exhausted", "expired", "overdue", "lost"]));
    let headers = headers.with("dead-tries", number(draw).to_string());
    let headers = headers.with("dead-processed", number(draw).to_string()).with("dead-role", "step");
    let dead_letter = Envelope { subject: subject.into(), headers, payload: example.payload.clone() };
    let changed = envelope(&dead_letter, draw);
    Envelope { subject: dead_letter.subject, ..changed }
}

/// A service that runs.
struct Running {
    service: Service,
    store: Arc<dyn Store>,
    bus: MemoryBus,
    numbers: HashMap<String, u64>,
    received: u64,
    /// The first row of its outbox that was not looked at.
    outbox_next: i64,
    runtime: Runtime,
}

impl Running {
    fn start(name: &'static str) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let entered = runtime.enter();
        let (bus, store) = (MemoryBus::new(), Arc::new(choreography::store::memory::MemoryStore::new()));
        let clock = Clock::seeded(BEGINNING.parse().expect("a moment"), 0);
        drop(entered);
        let filters: Vec<String> = received_by(name).iter().map(|subject| format!("{subject}.*")).collect();
        bus.add_consumer(&format!("{name}-0"), &filters.iter().map(String::as_str).collect::<Vec<_>>());
        let settings = Settings { namespace: NAMESPACE.to_owned(), clock, ..Settings::default() };
        let built = Service::builder(service(name)).bus(Arc::new(bus.clone())).store(store.clone()).settings(settings);
        let service = runtime.block_on(built.start()).expect("a service in memory starts");
        Self { service, store, bus, numbers: HashMap::new(), received: 0, outbox_next: 0, runtime }
    }

    fn receive(&mut self, arrivals: &[Arrival]) {
        let mut last = 0;
        for arrival in arrivals {
            match arrival {
                Arrival::Message(message, numbers) => last = self.publish(message, *numbers).unwrap_or(last),
                Arrival::DeadLetter(dead_letter) => drop(self.bus.publish(dead_letter)),
                Arrival::Note(publisher, note) => self.note(publisher, note),
                Arrival::Time(time) => self.runtime.block_on(async { tokio::time::sleep(*time).await }),
            }
        }
        self.settle(last);
        self.look_at_outbox();
    }

    fn publish(&mut self, message: &Envelope, numbers: Option<(Uuid, u64)>) -> Option<u64> {
        let kind = message.subject.split('.').take(2).collect::<Vec<_>>().join(".");
        let number = self.numbers.entry(kind).or_insert(1);
        let mut message = message.clone();
        // A replay has no numbers.
        if message.header("dead-replay").is_none() {
            // The first of several counts.
            let (outbox, number) = numbers.unwrap_or((OUTBOX, *number));
            let headers = message.headers.with("ce-outbox", outbox.to_string());
            message.headers = headers.with("ce-number", number.to_string());
        }
        let sequence = self.bus.publish(&message).ok()?;
        *number += 1;
        self.received += 1;
        Some(sequence)
    }

    fn note(&self, publisher: &str, note: &Progress) {
        let noted = async {
            let connection = self.bus.connect().await?;
            let (stream, at) = (connection.stream(Stream::Events).await?, self.service.now());
            let note = Progress { server_start: stream.server_start, at, ..note.clone() };
            connection.note_progress(publisher, &note).await
        };
        self.runtime.block_on(noted).expect("a server in memory takes a note");
    }

    /// Waits until the service has read everything.
    fn settle(&self, last: u64) {
        let read = async {
            loop {
                let head = self.store.head().await.expect("a database in memory can be read");
                if head.position.sequence >= last {
                    return;
                }
                assert_eq!(head.halted, None);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let failed = async { panic!("the service failed: {}", self.service.failed().await) };
        let both = async {
            tokio::select! { () = read => (), () = failed => () }
        };
        let done = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, both).await });
        done.expect("the service reads on");
    }

    /// Checks that everything which the service publishes can be sent, and that nothing panicked.
    fn look_at_outbox(&mut self) {
        let rows = self.runtime.block_on(self.store.outbox(self.outbox_next, 10_000)).expect("an outbox in memory");
        for row in rows {
            self.outbox_next = row.number + 1;
            check_sendable(&row.envelope);
        }
    }
}

/// Checks that the server takes a message, and the client can send it.
fn check_sendable(envelope: &Envelope) {
    let Envelope { subject, headers, payload } = envelope;
    let is_token = |token: &str| !token.is_empty() && !token.contains(['*', '>', ' ', '\t', '\r', '\n', '\0']);
    assert!(subject.split('.').all(is_token), "{subject:?}");
    assert!(subject.len() < 1_024, "{subject:?}");
    assert!(headers.bytes() + payload.len() + 200 < MESSAGE_BYTES_MAX, "{}", headers.bytes());
    for (name, value) in headers.iter() {
        assert!(name.parse::<HeaderName>().is_ok() && value.parse::<HeaderValue>().is_ok(), "{name:?}: {value:?}");
    }
    let detail = envelope.header("dead-detail").unwrap_or_default();
    assert!(!detail.contains("panicked") && !detail.contains("overflow"), "{envelope:?}");
}
