//! The map finds what is missing in a choreography. Small made-up trips: a flight is booked, then a room.

use choreography::{Choreography, Command, Concerns, Dead, Map, Message, Rejected, Row, nothing};
use serde::{Deserialize, Serialize};

type Trip = String;

macro_rules! messages {
    ($($message:ident $name:literal),* $(,)?) => {$(
        #[derive(Clone, Serialize, Deserialize)]
        struct $message(Trip);
        impl Message for $message {
            const NAME: &'static str = $name;
            const UNDO: bool = $name.as_bytes()[0] == b'c'; // cancel
            type Key = Trip;
            fn key(&self) -> Trip {
                self.0.clone()
            }
        }
    )*};
}
messages!(
    Plan "plan", BookFlight "book-flight", BookRoom "book-room", CancelFlight "cancel-flight", CancelTrip "cancel-trip",
    GiveBack "give-back", TellGuest "tell-guest",
);

macro_rules! rows {
    ($($row:ident $table:literal),* $(,)?) => {$(
        #[derive(Clone, PartialEq, Serialize, Deserialize)]
        struct $row(Trip);
        impl Row for $row {
            const TABLE: &'static str = $table;
            type Key = Trip;
        }
    )*};
}
rows!(Wish "wish", Seat "seat", Meal "meal", Bed "bed");

impl Command for Plan {
    type Row = Wish;
}
impl Command for GiveBack {
    type Row = Seat;
}
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
fn a_whole_dance_has_no_problems() {
    assert_problems(&[agency(), airline(), hotel()], &[]);
}

#[test]
fn a_message_that_nobody_hears_is_found() {
    let expected =
        ["airline receives cancel-flight, and nobody says it", "airline says book-room, and nobody receives it"];
    assert_problems(&[agency(), airline()], &expected);
}

#[test]
fn a_command_needs_nobody_to_say_it() {
    let alone = Choreography::new("agency").command(plan);
    assert_problems(&[alone], &["agency says book-flight, and nobody receives it"]);
}

#[test]
fn a_step_whose_message_may_die_unnoticed_is_found() {
    let airline = Choreography::new("airline").on(book_flight).compensate(cancel_flight);
    assert_problems(&[agency(), airline, hotel()], &["airline has no otherwise for book-flight"]);
}

#[test]
fn an_effect_may_die_too_and_shares_the_otherwise_of_its_services_step() {
    fn tell(_: &BookRoom, _: &mut Option<Bed>) -> (Option<CancelFlight>, Option<TellGuest>) {
        (None, None)
    }
    async fn mail(_: &TellGuest, _: &()) -> anyhow::Result<()> {
        Ok(())
    }
    fn note(_: &TellGuest, _: &mut Option<Wish>) {}
    let hotel = || Choreography::new("hotel").on(tell).fallback(no_room);
    let deaf = Choreography::new("desk").effect(mail, ());
    assert_problems(&[agency(), airline(), hotel(), deaf], &["desk has no otherwise for tell-guest"]);
    let desk = Choreography::new("desk").on(note).fallback(nothing::<TellGuest>).effect(mail, ());
    assert_problems(&[agency(), airline(), hotel(), desk], &[]);
}

#[test]
fn rows_that_no_undo_reaches_when_the_story_turns_back_are_stranded() {
    let airline = Choreography::new("airline").on(book_flight_with_meal).fallback(no_flight).compensate(cancel_flight);
    let stranded =
        "airline changes meal at book-flight, and when hotel turns back at book-room no compensation reaches it";
    assert_problems(&[agency(), airline, hotel()], &[stranded]);
}

#[test]
fn an_undo_that_does_not_say_the_undo_before_it_strands_the_beginning() {
    fn keep_quiet(_: &CancelFlight, _: &mut Option<Seat>) {}
    let airline = Choreography::new("airline").on(book_flight).fallback(no_flight).compensate(keep_quiet);
    let stranded = "agency changes wish at plan, and when hotel turns back at book-room no compensation reaches it";
    assert_problems(&[agency(), airline, hotel()], &[stranded]);
}

#[test]
fn an_undo_behind_a_forward_step_does_not_count() {
    fn ask(_: &CancelFlight, _: &mut Option<Seat>) -> Option<TellGuest> {
        None
    }
    fn answer(_: &TellGuest) -> Option<CancelTrip> {
        None
    }
    let airline = Choreography::new("airline").on(book_flight).fallback(no_flight).compensate(ask);
    let desk = Choreography::new("desk").on(answer).fallback(nothing::<TellGuest>);
    let stranded = "agency changes wish at plan, and when hotel turns back at book-room no compensation reaches it";
    assert_problems(&[agency(), airline, hotel(), desk], &[stranded]);
}

#[test]
fn what_only_an_otherwise_says_turns_the_story_back_as_well() {
    fn sleep(_: &BookRoom, _: &mut Option<Bed>) {}
    let hotel = Choreography::new("hotel").on(sleep).fallback(no_room);
    let airline = Choreography::new("airline").on(book_flight_with_meal).fallback(no_flight).compensate(cancel_flight);
    let stranded =
        "airline changes meal at book-flight, and when hotel turns back at book-room no compensation reaches it";
    assert_problems(&[agency(), airline, hotel], &[stranded]);
}

#[test]
fn a_command_on_rows_comes_after_the_steps_that_write_them() {
    fn give_back(command: &GiveBack, _: &mut Seat) -> Result<CancelTrip, Rejected> {
        Ok(CancelTrip(command.0.clone()))
    }
    let with_meal = |airline: Choreography| airline.fallback(no_flight).compensate(cancel_flight).command(give_back);
    assert_problems(&[agency(), with_meal(Choreography::new("airline").on(book_flight)), hotel()], &[]);
    fn feed(_: &BookFlight, _: &mut Option<Seat>, _: &mut Option<Meal>) -> Option<BookRoom> {
        None
    }
    let stranded = [
        "airline changes meal at book-flight, and when airline turns back at give-back no compensation reaches it",
        "airline changes meal at book-flight, and when hotel turns back at book-room no compensation reaches it",
    ];
    assert_problems(&[agency(), with_meal(Choreography::new("airline").on(feed)), hotel()], &stranded);
}

#[test]
fn a_command_that_needs_no_row_begins_a_story_and_comes_after_nothing() {
    fn thank(_: &TellGuest, _: &mut Option<Wish>) {}
    fn eat(_: &GiveBack, _: &mut Seat, _: &mut Option<Meal>) -> Result<TellGuest, Rejected> {
        Err(Rejected::new("no", "never called"))
    }
    // Were the plan made after the thanks, the meal would be stranded when the room is cancelled.
    let agency = agency().on(thank).fallback(nothing::<TellGuest>);
    assert_problems(&[agency, airline().command(eat), hotel()], &[]);
}

#[test]
fn a_service_hears_each_message_from_each_of_its_sayers() {
    let map = Map::of(&[agency(), airline(), hotel()]);
    assert_eq!(map.received_by("agency"), ["airline.cancel-trip"]);
    assert_eq!(map.received_by("airline"), ["agency.book-flight", "hotel.cancel-flight"]);
    assert_eq!(map.received_by("hotel"), ["airline.book-room"]);
}

#[test]
fn the_picture_shows_undos_dotted() {
    let picture = "flowchart LR
    agency -->|book-flight| airline
    airline -->|book-room| hotel
    airline -.->|cancel-trip| agency
    hotel -.->|cancel-flight| airline
";
    assert_eq!(Map::of(&[agency(), airline(), hotel()]).to_mermaid(), picture);
}
