//! Three running services: one server, and for each service a database and a runtime that can be dropped.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use choreography::provision::{ConsumerPlan, Plan, StreamPlan, provision};
use choreography::recovery::{GoOn, Recovery};
use choreography::store::sqlite::SqliteStore;
use choreography::{Column, Row, Service, Settings};
use futures::StreamExt;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::PAGES;
use super::choreographies::{Dictate, Draft, Folder, SERVICES, choreography, receives};
use super::log::Log;
use super::server::Server;
use crate::diary::Page;
use crate::stage::written;
use crate::until;

pub(crate) struct House {
    pub(crate) server: Server,
    databases: TempDir,
    /// The running instances, by service and instance.
    services: BTreeMap<(usize, u32), Running>,
}

/// A service in a runtime of its own.
struct Running {
    service: Service,
    runtime: Runtime,
    log: Log,
}

impl House {
    pub(crate) async fn build() -> Self {
        let house = Self::without_streams().await;
        house.provision().await;
        house
    }

    pub(crate) async fn without_streams() -> Self {
        Self { server: Server::start().await, databases: TempDir::new().unwrap(), services: BTreeMap::new() }
    }

    pub(crate) async fn provision(&self) {
        const BYTES: u64 = 256 * 1024 * 1024;
        let subjects = SERVICES.iter().map(|service| format!("{service}.*.*")).collect();
        let slots = (0..SERVICES.len()).flat_map(|service| [(service, 0), (service, 1)]);
        let consumers = slots.map(|(service, slot)| ConsumerPlan {
            service: SERVICES[service].to_owned(),
            slot,
            filter_subjects: receives(service),
        });
        let streams = vec![StreamPlan::events(subjects), StreamPlan::dead_letters(), StreamPlan::progress()];
        let plan = Plan { streams, consumers: consumers.collect(), ..Plan::default() };
        let plan = plan.events_bytes_max(BYTES).dead_letters_bytes_max(BYTES);
        provision(&self.server.client().await, &plan).await.unwrap();
    }

    pub(crate) async fn delete_stream(&self) {
        let jetstream = async_nats::jetstream::new(self.server.client().await);
        jetstream.delete_stream("EVENTS").await.unwrap();
    }

    pub(crate) async fn open_all(&mut self) {
        for service in 0..SERVICES.len() {
            self.open(service).await;
        }
    }

    pub(crate) async fn open(&mut self, service: usize) {
        self.open_instance(service, 0).await;
    }

    pub(crate) async fn open_standby(&mut self) {
        for service in 1..SERVICES.len() {
            self.open_instance(service, 1).await;
        }
    }

    fn path(&self, service: usize) -> String {
        self.databases.path().join(format!("{}.db", SERVICES[service])).display().to_string()
    }

    async fn open_instance(&mut self, service: usize, instance: u32) {
        let log = Log::default();
        let runtime = log.runtime();
        let (path, bus) = (self.path(service), self.server.bus(SERVICES[service]));
        let opening = runtime.spawn(async move {
            // Without the check, a message that is received twice shows in the rows.
            let check_idempotence = SERVICES[service] == "scribe";
            let settings = Settings { instance, check_idempotence, ..Settings::default() };
            let builder = Service::builder(choreography(service)).settings(settings).bus(Arc::new(bus));
            let builder = builder.sqlite(path).migrations(&sqlx::migrate!("tests/engine/real/migrations"));
            builder.start().await.unwrap()
        });
        let running = Running { service: opening.await.unwrap(), runtime, log };
        self.services.insert((service, instance), running);
    }

    /// Drops a service's tasks wherever they are.
    pub(crate) fn crash(&mut self, service: usize) {
        let running = self.services.remove(&(service, 0)).unwrap();
        running.runtime.shutdown_background();
    }

    pub(crate) async fn close_all(&mut self) {
        while let Some((_, running)) = self.services.pop_first() {
            running.service.stop().await;
            running.runtime.shutdown_background();
        }
    }

    fn service(&self, service: usize) -> &Service {
        let mut running = self.services.range((service, 0)..(service + 1, 0));
        &running.next().expect("an instance runs").1.service
    }

    /// Returns what each service has logged, without what is only for information, but with what says that a trouble is
    /// over.
    pub(crate) fn logs(&self) -> Vec<Vec<String>> {
        self.services.values().map(|running| running.log.lines()).collect()
    }

    pub(crate) fn author(&self) -> &Service {
        self.service(0)
    }

    /// Dictates lines, many at once but each page's in order.
    pub(crate) async fn dictate(&self, lines: std::ops::Range<u32>) {
        let author = self.author();
        let dictating = lines.map(|line| author.execute(Dictate { page: line % PAGES, line }));
        let dictating: Vec<_> = futures::stream::iter(dictating).buffered(64).collect().await;
        assert!(dictating.iter().all(Result::is_ok));
    }

    async fn pages<S: Row<Key = u32>>(&self, service: usize) -> BTreeMap<u32, S> {
        let mut pages = BTreeMap::new();
        for page in 0..PAGES {
            let found = self.service(service).one(Column::<S, u32>::new("key"), &page).await.unwrap();
            pages.extend(found.map(|found| (page, found)));
        }
        pages
    }

    /// Returns how many lines the author has noted as filed.
    pub(crate) async fn filed(&self) -> usize {
        self.pages::<Draft>(0).await.values().map(|draft| draft.filed.len()).sum()
    }

    /// Waits until all lines are filed, then checks that each service has them once and in order.
    pub(crate) async fn all_is_filed(&self, lines: u32) {
        until("all lines are filed", || async { self.filed().await >= lines as usize }).await;
        let of = |page: u32| (0..lines).filter(move |line| line % PAGES == page).collect::<Vec<_>>();
        for (page, draft) in self.pages::<Draft>(0).await {
            assert_eq!((draft.dictated, draft.filed), (of(page), of(page)), "page {page} of the author");
        }
        for (page, written_page) in self.pages::<Page>(1).await {
            assert_eq!(written_page.log, written(of(page)), "page {page} of the scribe");
        }
        for (page, folder) in self.pages::<Folder>(2).await {
            assert_eq!(folder.lines, of(page), "page {page} of the archive");
        }
    }

    /// Checks in the stream that each publisher's messages, copies left out, are in the order of their lines.
    pub(crate) async fn first_occurrences_are_in_order(&self, lines: u32) {
        let jetstream = async_nats::jetstream::new(self.server.client().await);
        let stream = jetstream.get_stream("EVENTS").await.unwrap();
        let last = stream.get_info().await.unwrap().state.last_sequence;
        let (mut known, mut outgoing) = (HashSet::new(), BTreeMap::<String, Vec<u32>>::new());
        for sequence in 1..=last {
            let message = stream.get_raw_message(sequence).await.unwrap();
            if known.insert(message.headers.get("ce-id").unwrap().to_string()) {
                let payload: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
                let line = payload["line"].as_u64().unwrap() as u32;
                outgoing.entry(message.subject.to_string()).or_default().push(line);
            }
        }
        for page in 0..PAGES {
            let lines: Vec<u32> = (0..lines).filter(|line| line % PAGES == page).collect();
            for subject in ["author.write", "scribe.written", "archive.filed"] {
                assert_eq!(outgoing[&format!("{subject}.{page}")], lines, "{subject}.{page}");
            }
        }
    }

    /// Lets every service go on at the first message of the stream, as an operator does.
    pub(crate) async fn resume_all(&self) {
        for (service, name) in SERVICES.into_iter().enumerate() {
            let (store, bus) =
                (SqliteStore::open(&self.path(service), None, &[]).await.unwrap(), self.server.bus(name));
            let recovery = Recovery { store: &store, bus: &bus };
            until("it halts", || async { recovery.report().await.unwrap().halted.is_some() }).await;
            assert_eq!(recovery.resume(GoOn::First).await.unwrap(), 1);
        }
    }
}
