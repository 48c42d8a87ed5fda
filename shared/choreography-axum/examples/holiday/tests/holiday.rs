//! The whole application in memory.

use choreography::testing::Harness;
use choreography::{ExecuteError, Map};
use holiday::flight::{Flight, OfferFlight};
use holiday::hotel::{Hotel, OfferHotel};
use holiday::services;
use holiday::trip::{BookTrip, Status, Trip, WithdrawTrip};
use uuid::Uuid;

/// Returns a world with one seat and one room.
fn world() -> Harness {
    let world = Harness::of(services());
    world.execute(OfferFlight { flight: "LH1".to_owned(), seats: 1 }).unwrap();
    world.execute(OfferHotel { hotel: "ritz".to_owned(), rooms: 1 }).unwrap();
    world
}

/// Books a trip, and waits until it is decided.
fn book(world: &Harness, trip: Uuid, flight: &str, hotel: &str) -> Trip {
    world.execute(BookTrip { trip, flight: flight.to_owned(), hotel: hotel.to_owned() }).unwrap();
    world.until::<Trip>(&trip, |trip| trip.status != Status::Pending)
}

fn until_left(world: &Harness, seats: u32, rooms: u32) {
    world.until::<Flight>(&"LH1".to_owned(), |flight| flight.seats == seats);
    world.until::<Hotel>(&"ritz".to_owned(), |hotel| hotel.rooms == rooms);
}

#[test]
fn the_choreography_has_no_loose_ends() {
    assert_eq!(Map::of(&services()).problems(), Vec::<String>::new());
}

#[test]
fn a_trip_is_confirmed_when_flight_and_hotel_are_booked() {
    let world = world();
    assert_eq!(book(&world, Uuid::nil(), "LH1", "ritz").status, Status::Confirmed);
    until_left(&world, 0, 0);
}

#[test]
fn without_a_room_the_seat_is_let_go() {
    for (flight, hotel, reason) in [("LH1", "full", "no-room"), ("none", "ritz", "no-seat")] {
        let world = world();
        assert_eq!(book(&world, Uuid::nil(), flight, hotel).reason.as_deref(), Some(reason));
        until_left(&world, 1, 1);
    }
}

#[test]
fn a_withdrawn_trip_makes_room_for_another() {
    let world = world();
    let first = Uuid::from_u128(1);
    book(&world, first, "LH1", "ritz");
    assert_eq!(world.execute(WithdrawTrip { trip: first }).unwrap().status, Status::Cancelled);
    until_left(&world, 1, 1);
    assert_eq!(book(&world, Uuid::from_u128(2), "LH1", "ritz").status, Status::Confirmed);
    let unknown = world.execute(WithdrawTrip { trip: Uuid::nil() });
    assert_eq!(unknown, Err(ExecuteError::Missing { table: "trip".to_owned(), key: Uuid::nil().to_string() }));
}
