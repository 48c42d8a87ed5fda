//! Two versions of a message side by side: subscribers with newer code read both, those with older code lose nothing.

use std::time::Duration;

use choreography::testing::Harness;
use choreography::{Choreography, Command, Map, Message, Row, nothing};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "sell", key = sale, row = Sale)]
pub(crate) struct Sell {
    pub(crate) sale: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "sales", key = u32)]
pub(crate) struct Sale {}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "book-sale", key = sale, role = event)]
struct BookSaleV1 {
    sale: u32,
    euros: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "book-sale", key = sale, role = event, version = 2, before = BookSaleV1)]
struct BookSaleV2 {
    sale: u32,
    cents: i64,
}

impl From<BookSaleV1> for BookSaleV2 {
    fn from(before: BookSaleV1) -> Self {
        Self { sale: before.sale, cents: before.euros * 100 }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "book-sale", key = sale, role = event, version = 3, before = BookSaleV2)]
struct BookSale {
    sale: u32,
    cents: i64,
    currency: String,
}

impl From<BookSaleV2> for BookSale {
    fn from(before: BookSaleV2) -> Self {
        Self { sale: before.sale, cents: before.cents, currency: "EUR".to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "books", key = u32)]
pub(crate) struct Booked {
    pub(crate) amount: String,
}

fn sell_v1(command: &Sell, sale: &mut Option<Sale>) -> BookSaleV1 {
    *sale = Some(Sale {});
    BookSaleV1 { sale: command.sale, euros: 5 }
}

fn sell(command: &Sell, sale: &mut Option<Sale>) -> BookSale {
    *sale = Some(Sale {});
    BookSale { sale: command.sale, cents: 500, currency: "EUR".to_owned() }
}

pub(crate) fn till_v1() -> Choreography {
    Choreography::new("till").command(sell_v1)
}

pub(crate) fn till() -> Choreography {
    Choreography::new("till").command(sell)
}

pub(crate) fn books_v1() -> Choreography {
    fn book(message: &BookSaleV1, booked: &mut Option<Booked>) {
        *booked = Some(Booked { amount: format!("{} EUR", message.euros) });
    }
    Choreography::new("books").on(book).fallback(nothing::<BookSaleV1>)
}

pub(crate) fn books() -> Choreography {
    fn book(message: &BookSale, booked: &mut Option<Booked>) {
        *booked = Some(Booked { amount: format!("{} {}", message.cents / 100, message.currency) });
    }
    Choreography::new("books").on(book).fallback(nothing::<BookSale>)
}

#[test]
fn subscribers_with_newer_code_read_every_earlier_version() {
    for till in [till_v1(), till()] {
        let shop = Harness::of([till, books()]);
        shop.execute(Sell { sale: 7 }).unwrap();
        let booked = shop.until(&7, |_: &Booked| true);
        assert_eq!(booked.amount, "5 EUR");
        assert!(shop.dead_letters().is_empty());
    }
}

#[test]
fn a_version_that_a_subscriber_does_not_know_is_kept_and_health_says_so() {
    let mut shop = Harness::of([till(), books_v1()]);
    shop.execute(Sell { sale: 7 }).unwrap();
    shop.advance(Duration::from_secs(3));
    assert!(shop.published().is_empty() && shop.dead_letters().is_empty());
    let kept = shop.service("till").health().subscribers.unwrap_err();
    assert_eq!(kept, "books does not read version 3 of book-sale yet: it is kept; update books");
    // Also by the next process, from its first moment on.
    shop.crash("till");
    shop.start_instance("till");
    shop.advance(Duration::from_secs(10));
    assert!(shop.published().is_empty() && shop.dead_letters().is_empty());
    assert_eq!(shop.get::<Booked>(&7), None);
}

#[test]
fn a_version_that_is_not_known_dies_and_says_which_are() {
    let shop = Harness::of([till_v1(), books_v1()]);
    shop.publish("till", &BookSale { sale: 7, cents: 500, currency: "EUR".to_owned() });
    shop.advance(Duration::from_secs(1));
    let dead_letters = shop.dead_letters();
    let details: Vec<_> = dead_letters.iter().filter_map(|dead| dead.envelope.header("dead-detail")).collect();
    assert_eq!(details, ["version 3 of book-sale is unknown here: this service reads [1]"]);
    assert_eq!(shop.get::<Booked>(&7), None);
}

#[test]
fn the_map_finds_a_version_that_a_subscriber_does_not_know() {
    assert_eq!(Map::of(&[till_v1(), books()]).problems(), Vec::<String>::new());
    let problems = Map::of(&[till(), books_v1()]).problems();
    let expected = "till publishes version 3 of book-sale, and books reads [1]: build books with version 3";
    assert!(problems.len() == 1 && problems[0].starts_with(expected), "{problems:?}");
}
