//! The map finds what is missing in a choreography. Small made-up trips: a flight is booked, then a room.

use choreography::{Choreography, Command, Concerns, Dead, EffectError, Map, Message, Rejected, Row, nothing};
use serde::{Deserialize, Serialize};

type Trip = String;

macro_rules! messages {
    ($($message:ident $name:literal $role:ident),* $(,)?) => {$(
        #[derive(Clone, Serialize, Deserialize, Message)]
        #[message(name = $name, key = 0, role = $role)]
        struct $message(Trip);
    )*};
}
messages!(
    BookFlight "book-flight" step,
    BookRoom "book-room" step,
    InformGuest "inform-guest" step,
    CancelFlight "cancel-flight" compensation,
    CancelTrip "cancel-trip" compensation,
);

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "plan", key = 0, row = Wish)]
struct Plan(Trip);

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "return-ticket", key = 0, row = Seat)]
struct ReturnTicket(Trip);

macro_rules! rows {
    ($($row:ident $table:literal),* $(,)?) => {$(
        #[derive(Clone, PartialEq, Serialize, Deserialize, Row)]
        #[row(table = $table, key = Trip)]
        struct $row(Trip);
    )*};
}
rows!(Wish "wish", Seat "seat", Meal "meal", Bed "bed");

impl Concerns<Trip> for Seat {
    fn concerns(&self) -> Vec<Trip> {
        vec![self.0.clone()]
    }
}

fn plan(_: &Plan, _: &mut Option<Wish>) -> Result<BookFlight, Rejected> {
    Err(Rejected::new("no", "never called"))
}
fn book_flight(_: &BookFlight, _: &mut Option<Seat>) -> Option<BookRoom> {
    None
}
fn book_flight_with_meal(_: &BookFlight, _: &mut Option<Seat>, _: &mut Option<Meal>) -> Option<BookRoom> {
    None
}
fn book_room(_: &BookRoom, _: &mut Option<Bed>) -> Option<CancelFlight> {
    None
}
fn cancel_flight(_: &CancelFlight, _: &mut Option<Seat>) -> Option<CancelTrip> {
    None
}
fn cancel_trip(_: &CancelTrip, _: &mut Option<Wish>) {}
fn no_flight(dead: &Dead<BookFlight>, _: &mut Option<Seat>) -> CancelTrip {
    CancelTrip(dead.key().clone())
}
fn no_room(dead: &Dead<BookRoom>, _: &mut Option<Bed>) -> CancelFlight {
    CancelFlight(dead.key().clone())
}

fn agency() -> Choreography {
    Choreography::new("agency").command(plan).compensate(cancel_trip)
}
fn airline() -> Choreography {
    Choreography::new("airline").on(book_flight).fallback(no_flight).compensate(cancel_flight)
}
fn hotel() -> Choreography {
    Choreography::new("hotel").on(book_room).fallback(no_room)
}

#[track_caller]
fn assert_problems(services: &[Choreography], expected: &[&str]) {
    assert_eq!(Map::of(services).problems(), expected);
}

#[test]
fn a_complete_choreography_has_no_problems() {
    assert_problems(&[agency(), airline(), hotel()], &[]);
}

#[test]
fn a_message_that_nobody_receives_or_nobody_publishes_is_a_problem() {
    let expected = [
        "airline publishes book-room, and nobody receives it",
        "airline receives cancel-flight, and nobody publishes it",
    ];
    assert_problems(&[agency(), airline()], &expected);
}

#[test]
fn a_command_needs_no_publisher() {
    let alone = Choreography::new("agency").command(plan);
    assert_problems(&[alone], &["agency publishes book-flight, and nobody receives it"]);
}

#[test]
fn a_reaction_without_a_fallback_is_a_problem() {
    let airline = Choreography::new("airline").on(book_flight).compensate(cancel_flight);
    assert_problems(&[agency(), airline, hotel()], &["airline has no fallback for book-flight"]);
}

#[test]
fn an_effect_needs_a_fallback_and_shares_the_one_of_the_reaction() {
    fn book_and_inform(_: &BookRoom, _: &mut Option<Bed>) -> (Option<CancelFlight>, Option<InformGuest>) {
        (None, None)
    }
    async fn mail(_: &InformGuest, _: &()) -> Result<(), EffectError> {
        Ok(())
    }
    fn note(_: &InformGuest, _: &mut Option<Wish>) {}
    let hotel = || Choreography::new("hotel").on(book_and_inform).fallback(no_room);
    let without = Choreography::new("desk").effect(mail, ());
    assert_problems(&[agency(), airline(), hotel(), without], &["desk has no fallback for inform-guest"]);
    let desk = Choreography::new("desk").on(note).fallback(nothing::<InformGuest>).effect(mail, ());
    assert_problems(&[agency(), airline(), hotel(), desk], &[]);
}

#[test]
fn a_table_that_no_compensation_reaches_is_stranded() {
    let airline = Choreography::new("airline").on(book_flight_with_meal).fallback(no_flight).compensate(cancel_flight);
    let stranded = "airline changes meal at book-flight, and no compensation reaches it from book-room at hotel";
    assert_problems(&[agency(), airline, hotel()], &[stranded]);
}

#[test]
fn a_compensation_that_does_not_publish_the_one_before_it_strands_the_beginning() {
    fn end_here(_: &CancelFlight, _: &mut Option<Seat>) {}
    let airline = Choreography::new("airline").on(book_flight).fallback(no_flight).compensate(end_here);
    let stranded = "agency changes wish at plan, and no compensation reaches it from book-room at hotel";
    assert_problems(&[agency(), airline, hotel()], &[stranded]);
}

#[test]
fn a_compensation_behind_a_step_does_not_count() {
    fn inform(_: &CancelFlight, _: &mut Option<Seat>) -> Option<InformGuest> {
        None
    }
    fn cancel(_: &InformGuest) -> Option<CancelTrip> {
        None
    }
    let airline = Choreography::new("airline").on(book_flight).fallback(no_flight).compensate(inform);
    let desk = Choreography::new("desk").on(cancel).fallback(nothing::<InformGuest>);
    let stranded = "agency changes wish at plan, and no compensation reaches it from book-room at hotel";
    assert_problems(&[agency(), airline, hotel(), desk], &[stranded]);
}

#[test]
fn a_compensation_that_only_a_fallback_publishes_is_a_turning_point_as_well() {
    fn book(_: &BookRoom, _: &mut Option<Bed>) {}
    let hotel = Choreography::new("hotel").on(book).fallback(no_room);
    let airline = Choreography::new("airline").on(book_flight_with_meal).fallback(no_flight).compensate(cancel_flight);
    let stranded = "airline changes meal at book-flight, and no compensation reaches it from book-room at hotel";
    assert_problems(&[agency(), airline, hotel], &[stranded]);
}

#[test]
fn a_command_that_needs_a_row_comes_after_what_writes_it() {
    fn return_ticket(command: &ReturnTicket, _: &mut Seat) -> Result<CancelTrip, Rejected> {
        Ok(CancelTrip(command.0.clone()))
    }
    let rest = |airline: Choreography| airline.fallback(no_flight).compensate(cancel_flight).command(return_ticket);
    assert_problems(&[agency(), rest(Choreography::new("airline").on(book_flight)), hotel()], &[]);
    let stranded = [
        "airline changes meal at book-flight, and no compensation reaches it from book-room at hotel",
        "airline changes meal at book-flight, and no compensation reaches it from return-ticket at airline",
    ];
    assert_problems(&[agency(), rest(Choreography::new("airline").on(book_flight_with_meal)), hotel()], &stranded);
}

#[test]
fn a_command_that_needs_no_row_comes_after_nothing() {
    fn thank(_: &InformGuest, _: &mut Option<Wish>) {}
    fn eat(_: &ReturnTicket, _: &mut Seat, _: &mut Option<Meal>) -> Result<InformGuest, Rejected> {
        Err(Rejected::new("no", "never called"))
    }
    // If the plan came after the thanks, the meal would be stranded when the room is cancelled.
    let agency = agency().on(thank).fallback(nothing::<InformGuest>);
    assert_problems(&[agency, airline().command(eat), hotel()], &[]);
}

#[test]
fn a_service_receives_each_message_from_each_of_its_publishers() {
    let map = Map::of(&[agency(), airline(), hotel()]);
    assert_eq!(map.received_by("agency"), ["airline.cancel-trip"]);
    assert_eq!(map.received_by("airline"), ["agency.book-flight", "hotel.cancel-flight"]);
    assert_eq!(map.received_by("hotel"), ["airline.book-room"]);
}

#[test]
fn the_chart_shows_compensations_dotted() {
    let chart = "flowchart LR
    agency -->|book-flight| airline
    airline -->|book-room| hotel
    airline -.->|cancel-trip| agency
    hotel -.->|cancel-flight| airline
";
    assert_eq!(Map::of(&[agency(), airline(), hotel()]).to_mermaid(), chart);
}
