//! What earlier releases wrote stays readable: `compat/<version>.json` holds messages and rows as that release wrote them.
//!
//! For a new release: `WRITE_RELEASE=<version> cargo test -p shop-tests --test in_memory`, and add the file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use std::{env, fs};

use choreography::testing::Harness;
use choreography::{Choreography, Edge, HandlerKind, Map, Message, ReadError, Row};
use contracts::{
    Address, CancelOrder, CancelReason, Confirmation, CreateOrder, Currency, CustomerId, Line, Money, NAMESPACE,
    OperationId, OrderId,
};
use customer::customer::{Customer, IntroduceCustomer, Profile};
use delivery::dealers::Dealers;
use delivery::delivery::Delivery;
use gateway::orders::{AcceptOrder, AcceptedOrder};
use inventory::catalogue::PutProduct;
use inventory::reservation::Reservation;
use inventory::stock::Stock;
use lettre::transport::stub::AsyncStubTransport;
use notify::notifications::Notifications;
use order::customer::WithdrawOrder;
use order::order::{Order, UnopenedOrder};
use payment::customer::ConfirmPayment;
use payment::payment::Payment;
use serde_json::Value;
use shop_in_memory::{Kinds, Release, directory, messages, releases, rows};
use wallet::debit::Debit;
use wallet::operation::Operation;
use wallet::wallet::Wallet;

use crate::{DEADLINE, open, order, services, sku, zone};

/// The most examples of a message, or of a table's rows.
const EXAMPLES_MAX: usize = 6;

/// Reads messages and rows, and forgets what it has read.
struct Read;

impl Kinds for Read {
    type Message = fn(u32, &[u8]) -> Result<(), ReadError>;
    type Row = fn(Value) -> Result<(), serde_json::Error>;

    fn message<M: Message>() -> Self::Message {
        |version, payload| M::read(version, payload).map(drop)
    }

    fn row<S: Row>() -> Self::Row {
        |value| serde_json::from_value::<S>(value).map(drop)
    }
}

#[test]
fn messages_of_every_release_are_readable() {
    let readers = messages::<Read>();
    for (file, release) in releases() {
        for (kind, payloads) in &release.messages {
            let (name, version) = kind.rsplit_once(".v").unwrap();
            for payload in payloads {
                let bytes = serde_json::to_vec(payload).unwrap();
                let result = readers[name](version.parse().unwrap(), &bytes);
                assert!(result.is_ok(), "{kind} of {file} can't be read any more: {result:?}\n{payload:#}");
            }
        }
    }
}

#[test]
fn rows_of_every_release_are_readable() {
    let readers = rows::<Read>();
    for (file, release) in releases() {
        for (table, states) in &release.rows {
            for state in states {
                let result = readers[table.as_str()](state.clone());
                assert!(result.is_ok(), "a row of {table} of {file} can't be read any more: {result:?}\n{state:#}");
            }
        }
    }
}

#[test]
fn every_message_and_every_table_has_examples() {
    let map = Map::of(&services(&AsyncStubTransport::new_ok()));
    let received =
        map.edges().iter().filter(|edge| edge.kind != HandlerKind::Command && edge.kind != HandlerKind::Then);
    let names: BTreeSet<_> = received.map(|edge| edge.receives).collect();
    assert_eq!(messages::<Read>().into_keys().collect::<BTreeSet<_>>(), names);
    let tables: BTreeSet<_> = services(&AsyncStubTransport::new_ok()).iter().flat_map(Choreography::tables).collect();
    assert_eq!(rows::<Read>().into_keys().collect::<BTreeSet<_>>(), tables);
    let all = releases();
    let kinds: BTreeSet<&str> = all.values().flat_map(|release| release.messages.keys()).map(String::as_str).collect();
    let published = map.edges().iter().flat_map(Edge::all_published);
    for outgoing in published {
        let kind = format!("{}.v{}", outgoing.name, outgoing.version);
        assert!(kinds.contains(kind.as_str()), "no release has an example of {kind}");
    }
    let with_rows: BTreeSet<&str> = all.values().flat_map(|release| release.rows.keys()).map(String::as_str).collect();
    assert_eq!(with_rows, tables);
}

/// Stories that end in every way, in memory.
struct Stories {
    harness: Harness,
    orders: Vec<OrderId>,
}

impl Stories {
    fn told() -> Self {
        let harness = open(1, &AsyncStubTransport::new_ok(), 50, 9);
        let mut stories = Self { harness, orders: Vec::new() };
        for (zone, product, pays, cancels) in [
            ("north", "tea", true, false),
            ("north", "tea", true, true),
            ("south", "tea", true, false),
            ("north", "unicorn", false, false),
            ("north", "tea", false, true),
            ("north", "tea", false, false),
        ] {
            stories.order(zone, product, pays, cancels);
        }
        stories.order_at_the_gateway();
        stories.cancel_before_it_is_opened();
        stories.pay_while_the_wallet_is_down();
        stories.pay_too_much();
        stories.introduce_the_customer();
        stories.harness.advance(DEADLINE * 2);
        stories
    }

    fn order_at_the_gateway(&mut self) {
        let service = self.harness.service("gateway");
        let (order_id, customer_id) = (service.new_id(), service.new_id());
        let (email, confirmation) = (Some("ada@example.com".to_owned()), Confirmation::Automatic);
        let lines = vec![Line { sku: sku("tea"), quantity: 2 }];
        let address = Address { zone: zone("north"), line: "1 Hill Road".to_owned() };
        let create = CreateOrder { order_id, customer_id, email, lines, address, confirmation };
        self.harness.execute(AcceptOrder { create }).unwrap();
        self.orders.push(order_id);
    }

    fn pay_while_the_wallet_is_down(&mut self) {
        self.harness.crash("wallet");
        self.order("north", "tea", true, false);
        self.harness.advance(Duration::from_secs(10));
        self.harness.start_instance("wallet");
        self.harness.advance(Duration::from_secs(2));
    }

    fn pay_too_much(&mut self) {
        let price = Money::new(50_001, Currency::EUR);
        let kettle = PutProduct { sku: sku("kettle"), name: "Kettle".to_owned(), description: None, price, stock: 9 };
        self.harness.execute(kettle).unwrap();
        self.order("north", "kettle", true, false);
    }

    fn introduce_the_customer(&mut self) {
        let addresses = vec![Address { zone: zone("north"), line: "1 Hill Road".to_owned() }];
        let profile = Profile { name: "Ada Lovelace".to_owned(), email: Some("ada@example.com".to_owned()), addresses };
        self.harness.execute(IntroduceCustomer { id: self.customer(), profile }).unwrap();
    }

    /// Returns the customer of the first order.
    fn customer(&self) -> CustomerId {
        self.harness.get::<Order>(&self.orders[0]).unwrap().customer_id
    }

    fn cancel_before_it_is_opened(&mut self) {
        let order_id = self.harness.service("order").new_id();
        let cancel = CancelOrder { order_id, reason: CancelReason::NotOpened, goods_gone: false };
        self.harness.publish("order", &cancel);
        self.orders.push(order_id);
    }

    fn order(&mut self, zone_name: &str, product: &str, pays: bool, cancels: bool) {
        let order_id = order(&self.harness, product, zone_name, Some("ada@example.com"));
        self.harness.advance(Duration::from_secs(2));
        if pays {
            if cancels {
                self.harness.crash("delivery"); // an order that a dealer has can't be cancelled
            }
            self.harness.execute(ConfirmPayment { order_id }).unwrap();
            self.harness.advance(Duration::from_secs(2));
        }
        if cancels {
            self.harness.execute(WithdrawOrder { order_id }).unwrap();
        }
        if pays && cancels {
            self.harness.start_instance("delivery");
        }
        self.harness.advance(Duration::from_secs(2));
        self.orders.push(order_id);
    }

    fn states<S: Row<Key = OrderId>>(&self) -> (String, Vec<Value>) {
        let states = self.orders.iter().filter_map(|order_id| self.harness.get::<S>(order_id));
        (S::TABLE.to_owned(), states.map(|state| serde_json::to_value(state).unwrap()).collect())
    }

    fn state<S: Row>(&self, key: &S::Key) -> (String, Vec<Value>) {
        let state = self.harness.get::<S>(key).unwrap();
        (S::TABLE.to_owned(), vec![serde_json::to_value(state).unwrap()])
    }

    fn release(&self) -> Release {
        let mut release = Release::default();
        for published in self.harness.published() {
            let kind = published.envelope.header("ce-type").unwrap();
            let kind = kind.strip_prefix(NAMESPACE).unwrap().trim_start_matches('.').to_owned();
            let payload: Value = published.read();
            let examples = release.messages.entry(kind).or_default();
            if examples.len() < EXAMPLES_MAX && examples.iter().all(|known| shape(known) != shape(&payload)) {
                examples.push(payload);
            }
        }
        release.rows = BTreeMap::from([
            self.states::<AcceptedOrder>(),
            self.states::<UnopenedOrder>(),
            self.states::<Order>(),
            self.states::<Payment>(),
            self.states::<Debit>(),
            self.state::<Wallet>(&self.customer()),
            self.state::<Operation>(&OperationId::of_opening(self.customer())),
            self.states::<Reservation>(),
            self.states::<Delivery>(),
            self.states::<Notifications>(),
            self.state::<Stock>(&sku("tea")),
            self.state::<Dealers>(&zone("north")),
            self.state::<Customer>(&self.customer()),
        ]);
        release
    }
}

/// Returns a value without its texts and numbers, but with its words.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(values) => values.iter().map(shape).collect(),
        Value::String(text) if text.contains(|other: char| !other.is_ascii_lowercase() && other != '-') => "".into(),
        Value::Number(_) => 0.into(),
        other => other.clone(),
    }
}

/// Also without `WRITE_RELEASE` this shows that the stories have an example of everything.
#[test]
fn what_is_published_today_is_written_for_a_release() {
    let release = Stories::told().release();
    let kinds: BTreeSet<&str> = release.messages.keys().filter_map(|kind| kind.split('.').next()).collect();
    assert_eq!(kinds, messages::<Read>().into_keys().collect());
    if let Ok(version) = env::var("WRITE_RELEASE") {
        let text = serde_json::to_string_pretty(&release).unwrap() + "\n";
        fs::write(directory().join(format!("{version}.json")), text).unwrap();
    }
}
