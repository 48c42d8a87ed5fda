//! An order completes or is undone, and the same seed gives the same story.

use choreography::testing::Harness;
use contracts::{Currency, Money, News, OrderId, Sku};
use delivery::dealers::Dealers;
use inventory::catalogue::PutProduct;
use inventory::stock::Stock;
use lettre::transport::stub::AsyncStubTransport;
use order::order::{Order, Status};
use payment::customer::ConfirmPayment;
use payment::payment::{Payment, Status as PaymentStatus};

use crate::{DEADLINE, open, order, sku, zone};

struct Shop {
    harness: Harness,
    mails: AsyncStubTransport,
}

impl Shop {
    /// Returns a shop with five pieces of tea, and one dealer, in the north.
    fn open(seed: u64) -> Self {
        let mails = AsyncStubTransport::new_ok();
        let harness = open(seed, &mails, 5, 1);
        Self { harness, mails }
    }

    /// Orders two pieces of tea, and pays for them.
    fn order(&self, zone_name: &str) -> OrderId {
        let harness = &self.harness;
        let order_id = order(harness, "tea", zone_name, Some("ada@example.com"));
        harness.until::<Payment>(&order_id, |payment| payment.status == PaymentStatus::Pending);
        assert_eq!(harness.get::<Stock>(&tea()).unwrap().held, 2);
        harness.execute(ConfirmPayment { order_id }).unwrap();
        order_id
    }

    fn ends(&self, order_id: OrderId, status: Status, news: News) {
        self.harness.until::<Order>(&order_id, |order| order.status == status && order.notified == Some(news));
    }

    /// Returns the products' pieces, and how many of them are held.
    fn stock(&self) -> (u64, u64) {
        let stock = self.harness.get::<Stock>(&tea()).unwrap();
        (stock.on_shelf, stock.held)
    }
}

fn tea() -> Sku {
    sku("tea")
}

#[test]
fn a_paid_order_is_delivered() {
    let shop = Shop::open(0);
    let order_id = shop.order("north");
    shop.ends(order_id, Status::Completed, News::Completed);
    shop.harness.until::<Stock>(&tea(), |stock| stock.on_shelf == 3);
    assert_eq!(shop.stock(), (3, 0));
    assert_eq!(shop.harness.get::<Dealers>(&zone("north")).unwrap().dealers[0].active, 1);
    assert_eq!(shop.harness.block_on(shop.mails.messages()).len(), 2);
}

#[test]
fn without_a_dealer_money_and_stock_go_back() {
    let shop = Shop::open(0);
    let order_id = shop.order("south");
    shop.ends(order_id, Status::Cancelled, News::Cancelled);
    let payment = shop.harness.until::<Payment>(&order_id, |payment| payment.status == PaymentStatus::Refunded);
    assert_eq!(payment.amount, Some(Money::new(900, Currency::EUR)));
    shop.harness.until::<Stock>(&tea(), |stock| stock.held == 0);
    assert_eq!(shop.stock(), (5, 0));
}

#[test]
fn a_payment_that_nobody_confirms_expires() {
    let shop = Shop::open(0);
    let order_id = order(&shop.harness, "tea", "north", Some("ada@example.com"));
    shop.harness.advance(DEADLINE);
    shop.ends(order_id, Status::Cancelled, News::Cancelled);
    assert_eq!(shop.harness.get::<Payment>(&order_id).unwrap().status, PaymentStatus::Expired);
    shop.harness.until::<Stock>(&tea(), |stock| stock.held == 0);
}

#[test]
fn the_same_seed_gives_the_same_story() {
    let story = |seed| {
        let shop = Shop::open(seed);
        let (one, other) = (shop.order("north"), shop.order("south"));
        shop.ends(one, Status::Completed, News::Completed);
        shop.ends(other, Status::Cancelled, News::Cancelled);
        shop.harness.published()
    };
    for seed in 0..5 {
        let (one, other) = (story(seed), story(seed));
        let different = one.iter().zip(&other).find(|(one, other)| one != other);
        let headers = different.map(|(one, other)| [(one.at, &one.envelope), (other.at, &other.envelope)]);
        assert!(one == other, "seed {seed}: {headers:#?}");
    }
    assert_ne!(story(0), story(1));
}

#[test]
fn a_price_is_fixed_when_the_pieces_are_held() {
    let shop = Shop::open(0);
    let order_id = order(&shop.harness, "tea", "north", None);
    shop.harness.until::<Payment>(&order_id, |payment| payment.status == PaymentStatus::Pending);
    let price = Money::new(9_900, Currency::EUR);
    let dearer = PutProduct { sku: tea(), name: "Tea".to_owned(), description: None, price, stock: 0 };
    shop.harness.execute(dearer).unwrap();
    shop.harness.execute(ConfirmPayment { order_id }).unwrap();
    let order = shop.harness.until::<Order>(&order_id, |order| order.status == Status::Completed);
    assert_eq!(order.total, Some(Money::new(900, Currency::EUR)));
}
