//! What a test of the scribe in memory needs: a server and a database. The test itself publishes as the author.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use choreography::bus::Bus;
use choreography::bus::memory::MemoryBus;
use choreography::recovery::Recovery;
use choreography::store::memory::MemoryStore;
use choreography::store::{Backlog, EffectRow, Head, Listing, ReadingStore as _, Store};
use choreography::{Choreography, Clock, Envelope, Heading, Message, Service, Settings};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::diary::press::Press;
use crate::diary::{How, Page, SCRIBE_RECEIVES, Write, scribe, scribe_with_intake};
use crate::unresponsive_bus::UnresponsiveBus;
use crate::until;

#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) bus: MemoryBus,
    pub(crate) store: MemoryStore,
    pub(crate) press: Press,
    pub(crate) clock: Clock,
    pub(crate) author: Numbers,
}

/// The numbers of what a publisher has published: its outbox, and the last number of each message.
#[derive(Clone)]
pub(crate) struct Numbers {
    outbox: Uuid,
    last: Arc<Mutex<HashMap<&'static str, u64>>>,
}

impl Numbers {
    fn begin(clock: &Clock) -> Self {
        Self { outbox: clock.new_id(), last: Arc::default() }
    }

    /// Gives a message its number.
    fn number<M: Message>(&self, envelope: Envelope) -> Envelope {
        let mut last = self.last.lock().unwrap();
        let number = last.entry(M::NAME).or_default();
        *number += 1;
        let headers = envelope.headers.with("ce-outbox", self.outbox.to_string()).with("ce-number", number.to_string());
        Envelope { headers, ..envelope }
    }
}

const BEGIN: &str = "2026-01-01T00:00:00Z";

impl Stage {
    pub(crate) fn new() -> Self {
        let bus = MemoryBus::new();
        bus.add_consumer("scribe-0", &SCRIBE_RECEIVES);
        bus.add_consumer("scribe-1", &SCRIBE_RECEIVES);
        let clock = Clock::seeded(BEGIN.parse().unwrap(), 0);
        let author = Numbers::begin(&clock);
        Self { bus, store: MemoryStore::new(), press: Press::default(), clock, author }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { clock: self.clock.clone(), ..Settings::default() }
    }

    pub(crate) async fn start(&self) -> Service {
        self.start_with(self.settings()).await
    }

    /// Starts another instance, with a consumer of its own.
    pub(crate) async fn start_as(&self, instance: u32) -> Service {
        self.start_with(Settings { instance, ..self.settings() }).await
    }

    /// Starts the scribe without the idempotence check, which would hide that a message is processed twice.
    pub(crate) async fn start_unchecked(&self) -> Service {
        self.start_with(Settings { check_idempotence: false, ..self.settings() }).await
    }

    pub(crate) async fn start_with(&self, settings: Settings) -> Service {
        self.start_over(Arc::new(self.store.clone()), settings).await
    }

    pub(crate) async fn start_over(&self, store: Arc<dyn Store>, settings: Settings) -> Service {
        self.start_choreography(scribe(self.press.clone()), store, settings).await
    }

    /// Starts the scribe with another way to the server.
    pub(crate) async fn start_on(&self, bus: &UnresponsiveBus, settings: Settings) -> Service {
        let builder = Service::builder(scribe(self.press.clone())).settings(settings);
        builder.store(Arc::new(self.store.clone())).bus(Arc::new(bus.clone())).start().await.unwrap()
    }

    /// Starts a scribe that opens pages with `.intake`.
    pub(crate) async fn start_intake(&self) -> Service {
        self.start_intake_with(self.settings()).await
    }

    pub(crate) async fn start_intake_with(&self, settings: Settings) -> Service {
        let store = Arc::new(self.store.clone());
        self.start_choreography(scribe_with_intake(self.press.clone()), store, settings).await
    }

    pub(crate) async fn start_choreography(
        &self,
        choreography: Choreography,
        store: Arc<dyn Store>,
        settings: Settings,
    ) -> Service {
        let builder = Service::builder(choreography).settings(settings);
        builder.store(store).bus(Arc::new(self.bus.clone())).start().await.unwrap()
    }

    /// Pulls everything that there is for a consumer.
    pub(crate) async fn pull_all(&self, consumer: &str) {
        let connection = self.bus.connect().await.unwrap();
        connection.pull(consumer).await.unwrap().next(1_000).await.unwrap();
    }

    /// Returns a message of the author, published now, with a deadline in ten minutes.
    pub(crate) fn envelope<M: Message>(&self, message: &M) -> Envelope {
        let now = self.clock.now();
        self.envelope_until(message, now + SignedDuration::from_secs(600))
    }

    pub(crate) fn envelope_until<M: Message>(&self, message: &M, expiry: Timestamp) -> Envelope {
        let (id, now, key) = (self.clock.new_id(), self.clock.now(), message.key().to_string());
        let heading = Heading {
            id,
            source: "author",
            kind: &format!("choreography.{}.v{}", M::NAME, M::VERSION),
            time: now,
            subject: &key,
            correlation: &key,
            causation: &id.to_string(),
            expiry: Some(expiry),
            trace: &format!("00-{:032x}-{:016x}-01", id.as_u128(), id.as_u64_pair().1),
        };
        self.author.number::<M>(heading.envelope(M::NAME, serde_json::to_vec(message).unwrap()))
    }

    pub(crate) fn publish<M: Message>(&self, message: M) -> u64 {
        self.bus.publish(&self.envelope(&message)).unwrap()
    }

    pub(crate) fn write(&self, page: u32, line: u32) -> u64 {
        self.publish(Write { page, line, how: How::Plainly })
    }

    /// Lets two processes crash where they begin: they leave nothing but that.
    pub(crate) async fn two_processes_crash(&self) {
        self.store.begin_run().await.unwrap();
        self.store.begin_run().await.unwrap();
    }

    /// Publishes one more line and waits until it is written: all earlier messages have been received then.
    pub(crate) async fn all_is_received(&self) {
        const LAST: u32 = 999_999;
        let line = self.bus.published().len() as u32 + self.clock.now().as_millisecond() as u32;
        self.write(LAST, line);
        self.logged(LAST, &format!("write {line}")).await;
    }

    pub(crate) async fn log(&self, page: u32) -> Vec<String> {
        let (column, comparison, value) = ("key", choreography::store::Comparison::Is, page.to_string());
        let conditions = vec![choreography::store::Condition { column, comparison, value }];
        let listing = Listing { table: "page", conditions, sorted_by: "key", after: None, descending: false, limit: 1 };
        let rows = self.store.list(&listing).await.unwrap();
        let pages = rows.iter().map(|row| serde_json::from_str::<Page>(&row.state).unwrap());
        pages.flat_map(|page| page.log).collect()
    }

    pub(crate) async fn logged(&self, page: u32, entry: &str) {
        until(&format!("{entry:?} on page {page}"), || async {
            self.log(page).await.iter().any(|logged| logged == entry)
        })
        .await;
    }

    /// Returns the subjects of what the scribe published, without its name and without copies: `written.1`.
    pub(crate) fn outgoing(&self) -> Vec<String> {
        let mut known = std::collections::HashSet::new();
        let outgoing = self.bus.published().into_iter().map(|stored| stored.envelope);
        let new = outgoing.filter(|envelope| known.insert(envelope.header("ce-id").map(str::to_owned)));
        new.filter_map(|envelope| envelope.subject.strip_prefix("scribe.").map(str::to_owned)).collect()
    }

    /// Returns the messages of this name that the scribe published, copies included.
    pub(crate) fn all_published(&self, name: &str) -> Vec<Envelope> {
        let outgoing = self.bus.published().into_iter().map(|stored| stored.envelope);
        outgoing.filter(|envelope| envelope.subject.starts_with(&format!("scribe.{name}."))).collect()
    }

    pub(crate) fn dead_letters(&self) -> Vec<Envelope> {
        self.bus.dead_letters().into_iter().map(|stored| stored.envelope).collect()
    }

    pub(crate) async fn backlog(&self) -> Backlog {
        self.store.backlog().await.unwrap()
    }

    /// Returns the effects of a message that are queued.
    pub(crate) async fn store_effects(&self, message: &str) -> Vec<EffectRow> {
        self.store.effects(message, 0, 1_000).await.unwrap()
    }

    /// Returns what an operator of the scribe has.
    pub(crate) fn recovery(&self) -> Recovery<'_> {
        Recovery { store: &self.store, bus: &self.bus }
    }

    pub(crate) async fn head(&self) -> Head {
        self.store.head().await.unwrap()
    }
}

/// Returns the log entries `write <line>` of these lines.
pub(crate) fn written(lines: impl IntoIterator<Item = u32>) -> Vec<String> {
    lines.into_iter().map(|line| format!("write {line}")).collect()
}

pub(crate) async fn healthy(service: &Service) {
    until("database, reading and publishing are healthy, and the breaker has caught up", || async {
        let health = service.health();
        let healthy = health.database.is_ok() && health.reading.is_ok() && health.publishing.is_ok();
        healthy && service.breaker().caught_up
    })
    .await;
}
