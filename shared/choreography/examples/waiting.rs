//! A reaction whose row must exist waits for it: the message stays in the database, holds up no other message, and is
//! processed in the commit that creates the row.

use choreography::testing::Harness;
use choreography::{Choreography, Message, Row, nothing};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "parcel-registered", key = parcel, role = event)]
struct ParcelRegistered {
    parcel: u32,
    address: String,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "parcel-scanned", key = parcel, role = event)]
struct ParcelScanned {
    parcel: u32,
    place: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "parcel", key = u32)]
struct Parcel {
    address: String,
    places: Vec<String>,
}

fn register(message: &ParcelRegistered, parcel: &mut Option<Parcel>) {
    parcel.get_or_insert_with(|| Parcel { address: message.address.clone(), places: Vec::new() });
}

/// `&mut Parcel`: the row must exist.
fn note_place(message: &ParcelScanned, parcel: &mut Parcel) {
    if !parcel.places.contains(&message.place) {
        parcel.places.push(message.place.clone());
    }
}

fn main() {
    let tracking = Choreography::new("tracking")
        .on(register)
        .fallback(nothing::<ParcelRegistered>)
        .on(note_place)
        .fallback(nothing::<ParcelScanned>);
    let harness = Harness::of([tracking]);
    let scanned = |place: &str| ParcelScanned { parcel: 1, place: place.to_owned() };
    harness.publish("depot", &scanned("harbour"));
    harness.publish("depot", &scanned("train"));
    harness.advance(std::time::Duration::from_secs(5));
    println!("before it is registered: {:?}", harness.get::<Parcel>(&1));
    println!("waiting: {}", harness.block_on(harness.service("tracking").backlog()).expect("it can be read").waiting);
    harness.publish("depot", &ParcelRegistered { parcel: 1, address: "1 Hill Road".to_owned() });
    let parcel = harness.until::<Parcel>(&1, |parcel| parcel.places.len() == 2);
    println!("afterwards: {} at {:?}", parcel.address, parcel.places);
}

// Output:
// before it is registered: None
// waiting: 2
// afterwards: 1 Hill Road at ["harbour", "train"]
