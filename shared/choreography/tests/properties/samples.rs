//! Messages are drawn from their types, whatever they are made of.

use std::collections::BTreeMap;

use choreography::testing::{Moment, Properties, check_properties};
use choreography::{Choreography, Message, Row};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{assert_says, broken};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "seen", key = Uuid)]
struct Seen;

/// A text that takes few others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Plate(String);

impl TryFrom<String> for Plate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with("B-") { Ok(Self(text)) } else { Err(format!("{text} is no plate")) }
    }
}

impl From<Plate> for String {
    fn from(plate: Plate) -> Self {
        plate.0
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Box { width: u8, depth: Option<i128> },
    Path(Vec<(u16, char)>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tree {
    name: String,
    children: Vec<Tree>,
    parent: Option<Box<Tree>>,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "look", key = head.id: Uuid, role = event)]
struct Look {
    head: Head,
    shape: Shape,
    tree: Tree,
    due: choreography::jiff::Timestamp,
    prices: BTreeMap<u32, i64>,
    unit: (),
    flag: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    #[serde(alias = "count")]
    number: std::num::NonZeroU8,
    id: Uuid,
}

fn look(_: &Look, seen: &mut Option<Seen>) {
    *seen = Some(Seen);
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "park", key = garage, role = event)]
struct Park {
    garage: Uuid,
    plate: Plate,
}

fn park(_: &Park, seen: &mut Option<Seen>) {
    *seen = Some(Seen);
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "hide", key = id, role = event)]
struct Hide {
    id: Uuid,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

fn hide(_: &Hide, seen: &mut Option<Seen>) {
    *seen = Some(Seen);
}

#[test]
fn whatever_a_type_is_made_of_is_drawn() {
    check_properties(Choreography::new("seer").on(look));
}

#[test]
fn a_message_that_takes_particular_texts_needs_an_example() {
    let garage = || Properties::of(Choreography::new("garage").on(park));
    let text = broken(garage());
    assert_says(&text, &["park can't be drawn from its type", "no candidate fits park.v1/plate"]);
    garage().example(Park { garage: Uuid::nil(), plate: Plate("B-1".to_owned()) }).check();
}

#[test]
fn a_message_that_hides_its_fields_needs_an_example() {
    let seer = || Properties::of(Choreography::new("seer").on(hide));
    assert_says(&broken(seer()), &["hide.v1 does not say which fields it has"]);
    seer().example(Hide { id: Uuid::nil(), rest: BTreeMap::new() }).check();
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "sell", key = sale, role = event)]
struct SellV1 {
    sale: u32,
    price: u8,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "sell", key = sale, role = event, version = 2, before = SellV1)]
struct Sell {
    sale: u32,
    price: String,
    is_old: bool,
}

impl From<SellV1> for Sell {
    fn from(before: SellV1) -> Self {
        Self { sale: before.sale, price: format!("{} euros", before.price), is_old: true }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "sale", key = u32)]
struct Sale {
    price: String,
}

#[test]
fn messages_of_earlier_versions_are_drawn_too() {
    fn sell(message: &Sell, sale: &mut Option<Sale>) {
        assert!(message.is_old || !message.price.ends_with("euros"));
        sale.get_or_insert(Sale { price: message.price.clone() });
    }
    let of_version = |version, price: fn(&str) -> bool| {
        let found = move |story: &Moment<'_>| story.rows::<Sale>().iter().any(|sale| price(&sale.price));
        Properties::of(Choreography::new("till").on(sell)).reaches(format!("a sale of version {version}"), found)
    };
    of_version(1, |price| price.ends_with("0 euros")).check();
    of_version(2, |price| price.starts_with("price-")).check();
    let text = broken(of_version(3, |_| false));
    assert_says(&text, &["till: no story reaches this: a sale of version 3: hand in a message"]);
}
