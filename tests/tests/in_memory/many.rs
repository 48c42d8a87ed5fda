//! A thousand orders at the same time, for one wallet or for the last pieces of a product.

use choreography::testing::Harness;
use contracts::{Address, Confirmation, CreateOrder, Currency, CustomerId, Line, OrderId};
use inventory::stock::Stock;
use lettre::transport::stub::AsyncStubTransport;
use order::customer::OpenOrder;
use order::order::{Order, Status};
use wallet::wallet::Wallet;

use crate::{open, sku, zone};

const ORDERS: usize = 1_000;
/// What a piece costs, in cents.
const PRICE: i64 = 450;

/// Opens a thousand orders of one piece, that nobody has to confirm, and returns how each ended.
fn rush(shop: &Harness, customer: impl Fn() -> CustomerId) -> Vec<Order> {
    let service = shop.service("order");
    let create = || CreateOrder {
        order_id: service.new_id(),
        customer_id: customer(),
        email: None,
        lines: vec![Line { sku: sku("tea"), quantity: 1 }],
        address: Address { zone: zone("north"), line: "1 Hill Road".to_owned() },
        confirmation: Confirmation::Automatic,
    };
    let requests: Vec<OpenOrder> = (0..ORDERS).map(|_| OpenOrder { create: create() }).collect();
    let ids: Vec<OrderId> = requests.iter().map(|request| request.create.order_id).collect();
    let opened = futures::future::join_all(requests.into_iter().map(|request| service.execute(request)));
    assert!(shop.block_on(opened).iter().all(Result::is_ok));
    let ended = |id| shop.until::<Order>(id, |order| matches!(order.status, Status::Completed | Status::Cancelled));
    ids.iter().map(ended).collect()
}

fn count(orders: &[Order], status: Status, reason: Option<&str>) -> usize {
    let same = |order: &&Order| (order.status, order.reason.map(|reason| reason.as_str())) == (status, reason);
    orders.iter().filter(same).count()
}

#[test]
fn a_thousand_orders_of_one_customer_spend_the_balance_exactly_once() {
    let shop = open(0, &AsyncStubTransport::new_ok(), 5_000, 5_000);
    let customer_id = shop.service("order").new_id();
    let orders = rush(&shop, || customer_id);
    // The wallet is opened with 1,000 euros.
    let paid = 100_000 / PRICE;
    assert_eq!(count(&orders, Status::Completed, None), paid as usize);
    assert_eq!(count(&orders, Status::Cancelled, Some("insufficient-funds")), ORDERS - paid as usize);
    let balance = shop.get::<Wallet>(&customer_id).unwrap().balance(Currency::EUR);
    assert_eq!(balance.amount_minor, 100_000 - paid * PRICE);
    let stock = shop.until::<Stock>(&sku("tea"), |stock| stock.held == 0);
    assert_eq!(stock.on_shelf, 5_000 - paid as u64);
}

#[test]
fn of_a_thousand_orders_for_the_last_ten_pieces_exactly_ten_complete() {
    let shop = open(0, &AsyncStubTransport::new_ok(), 10, 5_000);
    let orders = rush(&shop, || shop.service("order").new_id());
    assert_eq!(count(&orders, Status::Completed, None), 10);
    assert_eq!(count(&orders, Status::Cancelled, Some("out-of-stock")), ORDERS - 10);
    let stock = shop.until::<Stock>(&sku("tea"), |stock| stock.held == 0);
    assert_eq!(stock.on_shelf, 0);
}
