//! The map finds what is wrong with a choreography, and shows it. Small made-up trips: a flight is booked, then a room.

use choreography::bounds::ReactionOutput;
use choreography::{
    Choreography, Command, Concerns, Dead, EffectError, Map, Message, Rejected, Row, Scheduled, nothing,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    RoomTaken "room-taken" event,
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

fn not_informed(_: &Dead<InformGuest>, _: &mut Option<Wish>) {}

fn agency() -> Choreography {
    Choreography::new("agency").command(plan).compensate(cancel_trip)
}
fn airline() -> Choreography {
    Choreography::new("airline").on(book_flight).fallback(no_flight).compensate(cancel_flight)
}
fn hotel() -> Choreography {
    Choreography::new("hotel").on(book_room).fallback(no_room)
}

/// Asserts that the problems of a map are these: each begins as expected, and goes on with what to do.
#[track_caller]
fn assert_problems(services: &[Choreography], expected: &[&str]) {
    let problems = Map::of(services).problems();
    let is_expected = |(problem, expected): (&String, &&str)| problem.starts_with(&format!("{expected}: "));
    let all = problems.len() == expected.len() && problems.iter().zip(expected).all(is_expected);
    assert!(all, "{problems:#?}\nexpected: {expected:#?}");
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
    let desk = Choreography::new("desk").on(note).fallback(not_informed).effect(mail, ());
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
    let desk = Choreography::new("desk").on(cancel).fallback(not_informed);
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
    let agency = agency().on(thank).fallback(not_informed);
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
fn a_problem_says_what_to_do() {
    let problems = Map::of(&[agency(), airline()]).problems();
    let expected = [
        "airline publishes book-room, and nobody receives it: receive it with `.on` in another service, or remove \
         book-room from what airline returns for book-flight",
        "airline receives cancel-flight, and nobody publishes it: return it from a function of another service, or remove \
         the `.compensate` of airline",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn a_command_that_is_published_is_a_problem_that_says_what_to_do() {
    fn plan_again(dead: &Dead<BookFlight>) -> Option<Plan> {
        Some(Plan(dead.key().clone()))
    }
    let airline = Choreography::new("airline").on(book_flight).fallback(plan_again);
    let problems = Map::of(&[agency(), airline.compensate(cancel_flight), hotel()]).problems();
    let expected = "airline publishes plan, and nobody receives it: it is a command of agency, which only callers \
                    execute. Publish a message of its own instead, and receive that with `.on` in agency, or remove plan \
                    from what airline returns for book-flight";
    assert!(problems.iter().any(|problem| problem == expected), "{problems:#?}");
}

#[test]
fn two_services_of_one_name_are_a_problem() {
    let other = Choreography::new("airline");
    assert_problems(&[agency(), airline(), hotel(), other], &["two services are named airline"]);
}

#[test]
fn a_step_needs_a_refusal_a_fallback_that_acts_or_a_compensation() {
    fn book(_: &BookRoom, _: &mut Option<Bed>) {}
    fn book_or_refuse(_: &BookRoom, _: &mut Option<Bed>) -> Result<(), CancelFlight> {
        Ok(())
    }
    fn book_or_cancel(_: &BookRoom, _: &mut Option<Bed>) -> Option<CancelFlight> {
        None
    }
    fn keep_note(_: &Dead<BookRoom>, _: &mut Option<Bed>) {}
    fn clear_bed(_: &CancelTrip, _: &mut Option<Bed>) {}
    fn flight_only() -> Choreography {
        fn cancel(_: &ReturnTicket, _: &mut Seat) -> CancelFlight {
            CancelFlight(Trip::new())
        }
        airline().command(cancel)
    }
    let hotel = || Choreography::new("hotel");
    let silent = hotel().on(book).fallback(nothing::<BookRoom>);
    assert_problems(&[agency(), flight_only(), silent], &["nobody learns that hotel can't do book-room"]);
    for heard in [
        hotel().on(book_or_refuse).fallback(nothing::<BookRoom>),
        hotel().on(book_or_cancel).fallback(nothing::<BookRoom>),
        hotel().on(book).fallback(keep_note),
        hotel().on(book).fallback(nothing::<BookRoom>).compensate(clear_bed),
    ] {
        assert_problems(&[agency(), flight_only(), heard], &[]);
    }
}

/// A hotel that asks for another flight when it has no room: the airline asks it for a room again.
fn circle<O>(book: impl Fn(&BookRoom, &mut Option<Bed>) -> O + Send + Sync + 'static) -> [Choreography; 3]
where
    O: ReactionOutput,
{
    let hotel = Choreography::new("hotel").on(book).fallback(no_room);
    [agency(), airline(), hotel]
}

/// Asserts that a map has this circle of steps, or none; what else is wrong with it does not matter.
#[track_caller]
fn assert_circle(services: &[Choreography], expected: &[&str]) {
    let mut problems = Map::of(services).problems();
    problems.retain(|problem| problem.starts_with("steps go in a circle: "));
    let is_expected = problems.iter().zip(expected).all(|(problem, circle)| problem.contains(&format!(": {circle}: ")));
    assert!(problems.len() == expected.len() && is_expected, "{problems:#?}");
}

#[test]
fn steps_in_a_circle_are_one_problem() {
    fn rebook(_: &BookRoom, _: &mut Option<Bed>) -> Option<BookFlight> {
        None
    }
    let expected = "airline publishes book-room to hotel at book-flight, hotel publishes book-flight \
                    to airline at book-room";
    assert_circle(&circle(rebook), &[expected]);
}

#[test]
fn a_circle_through_a_refusal_a_fallback_or_an_event_is_a_problem_too() {
    fn refuse(_: &BookRoom, _: &mut Option<Bed>) -> Result<(), BookFlight> {
        Ok(())
    }
    fn book(_: &BookRoom, _: &mut Option<Bed>) {}
    fn rebook(dead: &Dead<BookRoom>, _: &mut Option<Bed>) -> (BookFlight, CancelFlight) {
        (BookFlight(dead.key().clone()), CancelFlight(dead.key().clone()))
    }
    fn tell(_: &BookRoom, _: &mut Option<Bed>) -> Option<RoomTaken> {
        None
    }
    fn fly_again(_: &RoomTaken, _: &mut Option<Wish>) -> Option<BookFlight> {
        None
    }
    let direct = "airline publishes book-room to hotel at book-flight, hotel publishes book-flight \
                  to airline at book-room";
    assert_circle(&circle(refuse), &[direct]);
    assert_circle(&[agency(), airline(), Choreography::new("hotel").on(book).fallback(rebook)], &[direct]);
    let [agency, airline, hotel] = circle(tell);
    let by_event = "agency publishes book-flight to airline at room-taken, airline publishes \
                    book-room to hotel at book-flight, hotel publishes room-taken to agency at book-room";
    assert_circle(&[agency.on(fly_again).fallback(nothing::<RoomTaken>), airline, hotel], &[by_event]);
}

#[test]
fn a_service_may_send_itself_a_step_later_and_nobody_else() {
    fn try_later(_: &BookRoom, _: &mut Option<Bed>) -> Option<Scheduled<BookRoom>> {
        None
    }
    fn rebook_later(_: &BookRoom, _: &mut Option<Bed>) -> Option<Scheduled<BookFlight>> {
        None
    }
    assert_circle(&circle(try_later), &[]);
    let expected = "airline publishes book-room to hotel at book-flight, hotel publishes book-flight \
                    to airline at book-room";
    assert_circle(&circle(rebook_later), &[expected]);
}

#[test]
fn events_and_compensations_may_go_in_a_circle() {
    fn tell(_: &BookRoom, _: &mut Option<Bed>) -> Option<RoomTaken> {
        None
    }
    fn echo(_: &RoomTaken, _: &mut Option<Wish>) -> Option<RoomTaken> {
        None
    }
    fn cancel_back(_: &CancelTrip, _: &mut Option<Wish>) -> Option<CancelFlight> {
        None
    }
    let agency = Choreography::new("agency").command(plan).compensate(cancel_back);
    let agency = agency.on(echo).fallback(nothing::<RoomTaken>);
    let [_, airline, hotel] = circle(tell);
    assert_circle(&[agency, airline, hotel], &[]);
}

/// A hotel that may refuse, and may have to ask its guest later.
fn refusing_hotel() -> Choreography {
    fn book(_: &BookRoom, _: &mut Option<Bed>) -> Result<Option<Scheduled<RoomTaken>>, CancelFlight> {
        Ok(None)
    }
    fn note(_: &RoomTaken, _: &mut Bed) {}
    Choreography::new("hotel").on(book).fallback(no_room).on(note).fallback(nothing::<RoomTaken>)
}

#[test]
fn the_picture_shows_roles_refusals_fallbacks_and_scheduled_messages() {
    let chart = Map::of(&[agency(), airline(), refusing_hotel(), Choreography::new("desk")]).to_mermaid();
    let (chart, rest) = chart.split_once("    subgraph legend_ [legend]\n").unwrap();
    let expected = "flowchart TB
    agency ==>|book-flight| airline
    airline -.->|cancel-trip †| agency
    airline ==>|book-room| hotel
    hotel -.->|cancel-flight ✗ †| airline
    hotel[\"hotel<br>↻ room-taken …\"]
    desk
";
    assert_eq!(chart, expected);
    let end = "    end\n    hotel ~~~ legend_\n    linkStyle 1,3,6 stroke:#d1495b\n";
    assert!(rest.ends_with(end), "{rest}");
}

#[test]
fn the_picture_has_a_node_for_a_message_with_several_publishers_and_several_subscribers() {
    fn cancel_flight(_: &CancelFlight, _: &mut Option<Seat>) -> Option<CancelTrip> {
        None
    }
    fn cancel_room(_: &CancelTrip, _: &mut Option<Bed>) {}
    fn no_bed(dead: &Dead<BookRoom>, _: &mut Option<Bed>) -> CancelTrip {
        CancelTrip(dead.key().clone())
    }
    let airline = Choreography::new("airline").on(book_flight).fallback(no_flight).compensate(cancel_flight);
    let hotel = Choreography::new("hotel").on(book_room).fallback(no_bed).compensate(cancel_room);
    let chart = Map::of(&[agency(), airline, hotel]).to_mermaid();
    for line in [
        "airline -.->|†| cancel-trip",
        "hotel -.->|†| cancel-trip",
        "cancel-trip -.-> agency",
        "cancel-trip -.-> hotel",
        "cancel-trip{{cancel-trip}}",
    ] {
        assert!(chart.contains(&format!("    {line}\n")), "{line} is not in\n{chart}");
    }
    assert!(!chart.contains("|cancel-trip"), "{chart}");
}

#[test]
fn the_json_has_every_function_and_every_message() {
    let map = Map::of(&[agency(), airline(), refusing_hotel()]);
    let json: Value = serde_json::from_str(&map.to_json()).unwrap();
    let outgoing = |name: &str, role: &str, scheduled: bool| json!({"name": name, "version": 1, "role": role, "scheduled": scheduled});
    let book = json!({
        "service": "hotel", "kind": "reaction", "receives": "book-room", "role": "step", "versions": [1],
        "publishes": [outgoing("room-taken", "event", true)],
        "refusal": [outgoing("cancel-flight", "compensation", false)],
        "fallback": {"publishes": [outgoing("cancel-flight", "compensation", false)], "tables": ["bed"]},
        "tables": ["bed"], "needs_row": false,
    });
    assert_eq!(json["services"]["hotel"][0], book);
    assert_eq!(json["services"]["agency"][0]["kind"], "command");
    let cancel = json!({
        "role": "compensation",
        "publishers": {"hotel": {"versions": [1], "scheduled": false, "published_by": ["refusal", "fallback"]}},
        "subscribers": {"airline": {"versions": [1], "received_by": ["compensation"], "has_fallback": false}},
    });
    assert_eq!(json["messages"]["cancel-flight"], cancel);
    let messages: Vec<_> = json["messages"].as_object().unwrap().keys().collect();
    assert_eq!(messages, ["book-flight", "book-room", "cancel-flight", "cancel-trip", "room-taken"]);
}
