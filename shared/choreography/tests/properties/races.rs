//! Two messages that end differently in both orders: whether what they leave waits for something else.

use choreography::testing::{Properties, check_properties};
use choreography::{Choreography, Command, EffectError, Message, Rejected, Row};
use serde::{Deserialize, Serialize};

use crate::{assert_says, broken};

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "seat-reserved", key = seat, role = event)]
struct SeatReserved {
    seat: u32,
}
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "seat-blocked", key = seat, role = event)]
struct SeatBlocked {
    seat: u32,
}
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "show-ended", key = seat, role = event)]
struct ShowEnded {
    seat: u32,
}
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "clear-seat", key = seat, row = Seat)]
struct ClearSeat {
    seat: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum State {
    Reserved,
    Blocked,
    Free,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "seat", key = u32, final = is_free)]
struct Seat {
    state: State,
}

impl Seat {
    fn is_free(&self) -> bool {
        self.state == State::Free
    }
}

fn reserve(_: &SeatReserved, seat: &mut Option<Seat>) {
    seat.get_or_insert(Seat { state: State::Reserved });
}

fn block(_: &SeatBlocked, seat: &mut Option<Seat>) {
    seat.get_or_insert(Seat { state: State::Blocked });
}

fn free(_: &ShowEnded, seat: &mut Seat) {
    seat.state = State::Free;
}

/// The first of two messages wins, and leaves a seat that is not final.
fn theatre() -> Choreography {
    Choreography::new("theatre").on(reserve).on(block)
}

const DISAGREEMENT: [&str; 3] = [
    "may come in any order",
    "one of them leaves a row that is not final and waits for no third message",
    "`Properties::race`",
];

#[test]
fn two_messages_that_take_one_row_do_not_wait_for_each_other() {
    assert_says(&broken(Properties::of(theatre())), &DISAGREEMENT);
}

#[test]
fn a_row_does_not_wait_for_a_message_that_leaves_it_as_it_is() {
    fn free_reserved(_: &ShowEnded, seat: &mut Option<Seat>) {
        if let Some(seat) = seat.as_mut().filter(|seat| seat.state == State::Reserved) {
            seat.state = State::Free;
        }
    }
    let text = broken(Properties::of(theatre().on(free_reserved)));
    assert_says(&text, &DISAGREEMENT);
    assert_says(&text, &["seat-reserved {", "seat-blocked {"]);
}

#[test]
fn a_row_that_another_message_moves_on_waits_for_it() {
    check_properties(theatre().on(free));
}

#[test]
fn a_row_that_a_command_moves_on_waits_for_it() {
    fn clear(_: &ClearSeat, seat: &mut Seat) -> Result<(), Rejected> {
        seat.state = State::Free;
        Ok(())
    }
    check_properties(theatre().command(clear));
}

#[test]
fn a_row_waits_for_a_command_that_can_be_executed_again() {
    #[derive(Debug, Clone, Serialize, Deserialize, Command)]
    #[command(name = "open-door", key = door, row = Door)]
    struct OpenDoor {
        door: u32,
    }
    #[derive(Debug, Clone, Serialize, Deserialize, Command)]
    #[command(name = "close-door", key = door, row = Door)]
    struct CloseDoor {
        door: u32,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(table = "door", key = u32)]
    struct Door {
        is_open: bool,
    }
    fn open(_: &OpenDoor, door: &mut Option<Door>) -> Result<(), Rejected> {
        *door = Some(Door { is_open: true });
        Ok(())
    }
    fn close(_: &CloseDoor, door: &mut Option<Door>) -> Result<(), Rejected> {
        *door = Some(Door { is_open: false });
        Ok(())
    }
    check_properties(Choreography::new("porter").command(open).command(close));
}

#[test]
fn a_command_that_is_refused_for_want_of_a_row_may_be_executed_later() {
    fn block_reserved(_: &ClearSeat, seat: &mut Seat) -> Result<(), Rejected> {
        seat.state = State::Blocked;
        Ok(())
    }
    check_properties(Choreography::new("theatre").on(reserve).command(block_reserved));
}

#[test]
fn the_result_of_an_effect_comes_after_its_message() {
    async fn print(message: &SeatReserved, _: &()) -> Result<ShowEnded, EffectError> {
        Ok(ShowEnded { seat: message.seat })
    }
    fn note(_: &ShowEnded, seat: &mut Option<Seat>) {
        if let Some(seat) = seat {
            seat.state = State::Blocked;
        }
    }
    let theatre = Choreography::new("theatre").on(reserve).effect(print, ()).then(note);
    check_properties(theatre);
}
