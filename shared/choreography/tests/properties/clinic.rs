//! A clinic that has every property: it books a room and a doctor for a visit.

use choreography::testing::check_properties;
use choreography::{Choreography, Command, Dead, Incoming, Message, Rejected, Row, Rows, Scheduled, nothing};
use serde::{Deserialize, Serialize};

/// How many visits a room takes at once.
pub(crate) const PLACES: u32 = 2;

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "book-visit", key = visit, role = step, concerns = rooms)]
pub(crate) struct BookVisit {
    pub(crate) visit: u32,
    pub(crate) rooms: Vec<String>,
}
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "visit-booked", key = visit, role = event)]
pub(crate) struct VisitBooked {
    pub(crate) visit: u32,
    pub(crate) rooms: Vec<String>,
}
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "visit-refused", key = visit, role = event)]
pub(crate) struct VisitRefused {
    pub(crate) visit: u32,
}
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "remind-patient", key = visit, role = step)]
pub(crate) struct RemindPatient {
    pub(crate) visit: u32,
}
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "patient-came", key = visit, role = event)]
pub(crate) struct PatientCame {
    pub(crate) visit: u32,
}
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "cancel-visit", key = visit, role = compensation)]
pub(crate) struct CancelVisit {
    pub(crate) visit: u32,
    pub(crate) reason: Reason,
}
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "open-room", key = room, row = Room)]
pub(crate) struct OpenRoom {
    pub(crate) room: String,
}

/// Why a visit is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Reason {
    Ill,
    Late { minutes: u8 },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    Booked,
    Refused,
    Over,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "visit", key = u32, concerns = rooms, final = has_ended)]
pub(crate) struct Visit {
    pub(crate) state: State,
    pub(crate) rooms: Vec<String>,
}

impl Visit {
    fn has_ended(&self) -> bool {
        self.state != State::Booked
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "room", key = String)]
pub(crate) struct Room {
    pub(crate) taken: u32,
}

pub(crate) fn open_room(_: &OpenRoom, room: &mut Option<Room>) -> Result<(), Rejected> {
    if room.is_some() {
        return Err(Rejected::new("room-open", "The room is open already."));
    }
    *room = Some(Room { taken: 0 });
    Ok(())
}

pub(crate) type Booked = Option<(VisitBooked, Scheduled<RemindPatient>)>;

pub(crate) fn book_visit(
    message: &Incoming<BookVisit>,
    visit: &mut Option<Visit>,
    rooms: &mut Rows<Room>,
) -> (Booked, Option<VisitRefused>) {
    if visit.is_some() {
        return (None, None);
    }
    let id = message.visit;
    let has_place = |room: &String| rooms.get(room).is_some_and(|room| room.taken < PLACES);
    if message.rooms.is_empty() || !message.rooms.iter().all(has_place) {
        *visit = Some(Visit { state: State::Refused, rooms: Vec::new() });
        return (None, Some(VisitRefused { visit: id }));
    }
    rooms.iter_mut().for_each(|(_, room)| room.taken += 1);
    *visit = Some(Visit { state: State::Booked, rooms: message.rooms.clone() });
    let remind = RemindPatient { visit: id }.at(message.now());
    (Some((VisitBooked { visit: id, rooms: message.rooms.clone() }, remind)), None)
}

pub(crate) fn give_up(dead: &Dead<BookVisit>, visit: &mut Option<Visit>) -> Option<VisitRefused> {
    if visit.is_some() {
        return None;
    }
    *visit = Some(Visit { state: State::Refused, rooms: Vec::new() });
    Some(VisitRefused { visit: *dead.key() })
}

pub(crate) fn end(visit: &mut Visit, state: State, rooms: &mut Rows<Room, Visit>) {
    if visit.state == State::Booked {
        rooms.iter_mut().for_each(|(_, room)| room.taken -= 1);
        visit.state = state;
    }
}

pub(crate) fn finish(_: &PatientCame, visit: &mut Visit, rooms: &mut Rows<Room, Visit>) {
    end(visit, State::Over, rooms);
}

pub(crate) fn cancel(_: &CancelVisit, visit: &mut Option<Visit>, rooms: &mut Rows<Room, Visit>) {
    match visit {
        Some(visit) => end(visit, State::Cancelled, rooms),
        None => *visit = Some(Visit { state: State::Cancelled, rooms: Vec::new() }),
    }
}

/// The clinic, but for its reaction to `book-visit`.
pub(crate) fn clinic() -> Choreography {
    Choreography::new("clinic").command(open_room).on(finish).fallback(nothing::<PatientCame>).compensate(cancel)
}

#[test]
fn a_right_service_has_every_property() {
    check_properties(clinic().on(book_visit).fallback(give_up));
}
