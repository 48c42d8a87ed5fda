//! The whole shop in memory.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod compat;
mod many;
mod money;
mod stories;

use std::time::Duration;

use choreography::testing::Harness;
use choreography::{Choreography, Settings};
use contracts::{Address, Confirmation, CreateOrder, Currency, CustomerId, Line, Money, NAMESPACE, OrderId, Sku, Zone};
use delivery::dealers::AddDealer;
use inventory::catalogue::PutProduct;
use lettre::transport::stub::AsyncStubTransport;
use order::customer::OpenOrder;
use payment::settings::Patience;

/// How long a payment waits for the customer.
const DEADLINE: Duration = Duration::from_secs(600);

/// Returns the shop's services, of which notify sends its mails here.
fn services(mails: &AsyncStubTransport) -> Vec<Choreography> {
    let patience = Patience { payment_deadline: DEADLINE, ..Patience::default() };
    shop_in_memory::services(patience, mails).into_iter().chain([customer::choreography()]).collect()
}

/// Opens a shop with some pieces of tea, and one dealer, in the north.
fn open(seed: u64, mails: &AsyncStubTransport, pieces: u64, capacity: u32) -> Harness {
    let settings = Settings { namespace: NAMESPACE.to_owned(), ..Settings::default() };
    let harness = Harness::start(services(mails), settings, seed);
    let price = Money::new(450, Currency::EUR);
    let (name, description) = ("Tea".to_owned(), Some("Loose, 100 g".to_owned()));
    harness.execute(PutProduct { sku: sku("tea"), name, description, price, stock: pieces }).unwrap();
    harness.execute(AddDealer { zone: zone("north"), name: "Nora".to_owned(), capacity }).unwrap();
    harness
}

/// Orders two pieces of a product as a new customer, whom the wallet gives 1,000 euros. The payment waits for the customer.
fn order(harness: &Harness, product: &str, zone_name: &str, email: Option<&str>) -> OrderId {
    order_as(harness, harness.service("order").new_id(), product, zone_name, email)
}

/// Orders two pieces of a product as a customer. The payment waits for the customer.
fn order_as(
    harness: &Harness,
    customer_id: CustomerId,
    product: &str,
    zone_name: &str,
    email: Option<&str>,
) -> OrderId {
    let order_id = harness.service("order").new_id();
    let address = Address { zone: zone(zone_name), line: "1 Hill Road".to_owned() };
    let lines = vec![Line { sku: sku(product), quantity: 2 }];
    let (email, confirmation) = (email.map(str::to_owned), Confirmation::Manual);
    let create = CreateOrder { order_id, customer_id, email, lines, address, confirmation };
    harness.execute(OpenOrder { create }).unwrap();
    order_id
}

fn sku(code: &str) -> Sku {
    code.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}
