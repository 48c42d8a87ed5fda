//! Two services in memory, each with a database of its own: a till sells, and a ledger books what is sold.
//!
//! Both count: what is processed twice shows in their rows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use choreography::bus::memory::MemoryBus;
use choreography::recovery::Recovery;
use choreography::store::memory::MemoryStore;
use choreography::store::{Listing, Store as _};
use choreography::{Choreography, Clock, Command, Dead, Envelope, ExecuteError, Message, Row, Service, Settings};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::stage::healthy;
use crate::{ms, until};

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "sell", key = sale, row = Sale)]
struct Sell {
    sale: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "book-sale", key = sale, role = step)]
struct BookSale {
    sale: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "sale-booked", key = sale, role = event)]
struct SaleBooked {
    sale: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "sale-refused", key = sale, role = event)]
struct SaleRefused {
    sale: u32,
}

/// A sale of the till: what it has learned of it, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "sale", key = u32)]
struct Sale {
    sale: u32,
    outcomes: Vec<String>,
}

/// A sale in the ledger: what was done about it, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "entry", key = u32)]
struct Entry {
    sale: u32,
    outcomes: Vec<String>,
}

fn sell(command: &Sell, sale: &mut Option<Sale>) -> BookSale {
    sale.get_or_insert_default().sale = command.sale;
    BookSale { sale: command.sale }
}

fn note_booking(incoming: &SaleBooked, sale: &mut Option<Sale>) {
    let sale = sale.get_or_insert_default();
    sale.sale = incoming.sale;
    sale.outcomes.push("booked".to_owned());
}

fn note_refusal(incoming: &SaleRefused, sale: &mut Option<Sale>) {
    let sale = sale.get_or_insert_default();
    sale.sale = incoming.sale;
    sale.outcomes.push("refused".to_owned());
}

fn book_sale(incoming: &BookSale, entry: &mut Option<Entry>) -> SaleBooked {
    let entry = entry.get_or_insert_default();
    entry.sale = incoming.sale;
    entry.outcomes.push("booked".to_owned());
    SaleBooked { sale: incoming.sale }
}

fn refuse_sale(dead: &Dead<BookSale>, entry: &mut Option<Entry>) -> SaleRefused {
    let entry = entry.get_or_insert_default();
    entry.sale = *dead.key();
    entry.outcomes.push(format!("refused: {}", dead.reason()));
    SaleRefused { sale: *dead.key() }
}

/// How long published rows are kept; a step may take ten minutes.
pub(crate) const KEPT: std::time::Duration = ms(60_000);

#[derive(Clone)]
pub(crate) struct Market {
    pub(crate) bus: MemoryBus,
    pub(crate) till: MemoryStore,
    pub(crate) ledger: MemoryStore,
    clock: Clock,
}

impl Market {
    pub(crate) fn new() -> Self {
        let bus = MemoryBus::new();
        bus.add_consumer("till-0", &["ledger.sale-booked.*", "ledger.sale-refused.*"]);
        bus.add_consumer("ledger-0", &["till.book-sale.*"]);
        let clock = Clock::seeded("2026-01-01T00:00:00Z".parse().unwrap(), 0);
        Self { bus, till: MemoryStore::new(), ledger: MemoryStore::new(), clock }
    }

    /// Starts both services, and waits until they work.
    pub(crate) async fn open(&self) -> (Service, Service) {
        let (till, ledger) = (self.start_till().await, self.start_ledger().await);
        healthy(&till).await;
        healthy(&ledger).await;
        (till, ledger)
    }

    pub(crate) async fn start_till(&self) -> Service {
        let till = Choreography::new("till").intake(sell).on(note_booking).on(note_refusal);
        self.start(till, &self.till).await
    }

    pub(crate) async fn start_ledger(&self) -> Service {
        self.start(Choreography::new("ledger").on(book_sale).fallback(refuse_sale), &self.ledger).await
    }

    /// Starts a service without the idempotence check, which would hide that a message is processed twice.
    async fn start(&self, choreography: Choreography, store: &MemoryStore) -> Service {
        let settings =
            Settings { clock: self.clock.clone(), check_idempotence: false, outbox_kept: KEPT, ..Settings::default() };
        let builder = Service::builder(choreography).settings(settings);
        builder.store(Arc::new(store.clone())).bus(Arc::new(self.bus.clone())).start().await.unwrap()
    }

    pub(crate) fn recovery<'a>(&'a self, store: &'a MemoryStore) -> Recovery<'a> {
        Recovery { store, bus: &self.bus }
    }

    /// Returns what the till has learned of each sale.
    pub(crate) async fn sales(&self) -> BTreeMap<u32, Vec<String>> {
        let sales = rows::<Sale>(&self.till, "sale").await;
        sales.into_iter().map(|Sale { sale, outcomes }| (sale, outcomes)).collect()
    }

    /// Returns what the ledger has done about each sale.
    pub(crate) async fn entries(&self) -> BTreeMap<u32, Vec<String>> {
        let entries = rows::<Entry>(&self.ledger, "entry").await;
        entries.into_iter().map(|Entry { sale, outcomes }| (sale, outcomes)).collect()
    }

    /// Waits until all of these sales, and no others, are booked once and the till knows it once, and checks that nothing
    /// has died or is lost.
    pub(crate) async fn all_is_booked_once(&self, sales: Range<u32>) {
        let expected: BTreeMap<_, _> = sales.map(|sale| (sale, vec!["booked".to_owned()])).collect();
        self.ended(expected.len()).await;
        crate::pass(ms(3_000)).await;
        assert_eq!(self.entries().await, expected);
        assert_eq!(self.sales().await, expected);
        assert!(self.dead_letters().is_empty(), "{:?}", self.dead_letters());
    }

    /// Waits until the till knows what became of so many sales.
    pub(crate) async fn ended(&self, count: usize) {
        until(&format!("{count} sales have ended"), || async {
            self.sales().await.values().filter(|outcomes| !outcomes.is_empty()).count() >= count
        })
        .await;
    }

    /// Returns the subjects of everything in the stream of events, copies included.
    pub(crate) fn published(&self) -> Vec<String> {
        self.bus.published().into_iter().map(|stored| stored.envelope.subject.to_string()).collect()
    }

    /// Returns where the stream has the bookings that the till asked for.
    pub(crate) fn bookings(&self) -> Vec<u64> {
        let stored = self.bus.published().into_iter();
        let bookings = stored.filter(|stored| stored.envelope.subject.starts_with("till.book-sale."));
        bookings.map(|stored| stored.sequence).collect()
    }

    /// Publishes as many messages of another service.
    pub(crate) fn publish_for_others(&self, count: u32) {
        for number in 0..count {
            let envelope = Envelope { subject: format!("baker.bread-baked.{number}").into(), ..Envelope::default() };
            self.bus.publish(&envelope).unwrap();
        }
    }

    /// Returns what the dead letters `lost` say.
    pub(crate) fn lost(&self) -> Vec<String> {
        let dead_letters = self.bus.dead_letters().into_iter().map(|stored| stored.envelope);
        let lost = dead_letters.filter(|letter| letter.subject.ends_with(".lost"));
        lost.map(|letter| letter.header("dead-detail").unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn dead_letters(&self) -> Vec<String> {
        self.bus.dead_letters().into_iter().map(|stored| stored.envelope.subject.to_string()).collect()
    }
}

pub(crate) async fn sell_one(till: &Service, sale: u32) -> Result<(), ExecuteError> {
    till.execute(Sell { sale }).await.map(drop)
}

pub(crate) async fn sell_all(till: &Service, sales: Range<u32>) {
    futures::future::join_all(sales.map(|sale| sell_one(till, sale))).await.into_iter().for_each(Result::unwrap);
}

async fn rows<R: DeserializeOwned>(store: &MemoryStore, table: &'static str) -> Vec<R> {
    let listing =
        Listing { table, conditions: Vec::new(), sorted_by: "key", after: None, descending: false, limit: 10_000 };
    let rows = store.list(&listing).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(&row.state).unwrap()).collect()
}
