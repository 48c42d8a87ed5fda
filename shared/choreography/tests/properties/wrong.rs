//! Each of these services breaks one property, and the shortest story says which.

use choreography::testing::Properties;
use choreography::{Choreography, Dead, Incoming, Row, Rows, nothing};
use serde::{Deserialize, Serialize};

use crate::clinic::{
    BookVisit, Booked, CancelVisit, PatientCame, RemindPatient, Room, State, Visit, VisitRefused, book_visit, cancel,
    clinic, end, finish, give_up, open_room,
};
use crate::{assert_says, broken};

#[test]
fn a_reaction_that_publishes_again_is_found() {
    fn remind(message: &PatientCame, _: &mut Visit) -> RemindPatient {
        RemindPatient { visit: message.visit }
    }
    let text = broken(Properties::of(
        Choreography::new("clinic").command(open_room).on(book_visit).fallback(give_up).on(remind),
    ));
    assert_says(&text, &["twice is as once", "patient-came is not idempotent", "book-visit {", "what to do: find out"]);
}

#[test]
fn a_copy_that_comes_later_and_is_done_again_is_found() {
    fn seat(_: &PatientCame, visit: &mut Visit) {
        visit.rooms = vec!["waiting room".to_owned()];
    }
    fn call(_: &RemindPatient, visit: &mut Visit) {
        visit.rooms = Vec::new();
    }
    let service = Choreography::new("clinic").command(open_room).on(book_visit).fallback(give_up).on(seat);
    let text = broken(Properties::of(service.on(call).fallback(nothing::<RemindPatient>)));
    assert_says(&text, &["twice is as once", "that comes later changes the row of visit", "book-visit {"]);
}

#[test]
fn a_fallback_that_publishes_again_is_found() {
    fn refuse(dead: &Dead<BookVisit>) -> VisitRefused {
        VisitRefused { visit: *dead.key() }
    }
    let text = broken(Properties::of(clinic().on(book_visit).fallback(refuse)));
    assert_says(&text, &["twice is as once", "the fallback for book-visit", "1. the death of book-visit of 1"]);
}

#[test]
fn a_compensation_without_tombstone_is_found() {
    fn forget(_: &CancelVisit, visit: &mut Option<Visit>, rooms: &mut Rows<Room, Visit>) {
        if let Some(visit) = visit {
            end(visit, State::Cancelled, rooms);
        }
    }
    let text = broken(Properties::of(
        Choreography::new("clinic").command(open_room).on(book_visit).fallback(give_up).compensate(forget),
    ));
    assert_says(
        &text,
        &["a step does nothing after its compensation", "1. cancel-visit {", "does nothing", "tombstone"],
    );
}

#[test]
fn a_step_that_does_not_respect_a_tombstone_is_found() {
    fn book_again(message: &Incoming<BookVisit>, visit: &mut Option<Visit>, rooms: &mut Rows<Room>) -> Booked {
        if visit.as_ref().is_some_and(|visit| visit.state == State::Cancelled) {
            *visit = None;
        }
        book_visit(message, visit, rooms).0
    }
    let text = broken(Properties::of(clinic().on(book_again).fallback(give_up)));
    let expected = ["a step does nothing after its compensation", "book-visit changes the row of visit", "Cancelled"];
    assert_says(&text, &expected);
}

#[test]
fn a_step_after_its_death_is_found() {
    fn book_again(message: &Incoming<BookVisit>, visit: &mut Option<Visit>, rooms: &mut Rows<Room>) -> Booked {
        if let Some(visit) = visit.as_mut().filter(|visit| visit.rooms == ["none"]) {
            (visit.state, visit.rooms) = (State::Booked, Vec::new());
            return None;
        }
        book_visit(message, visit, rooms).0
    }
    fn refuse(_: &Dead<BookVisit>, visit: &mut Option<Visit>) {
        visit.get_or_insert(Visit { state: State::Refused, rooms: vec!["none".to_owned()] });
    }
    let text = broken(Properties::of(clinic().on(book_again).fallback(refuse)));
    assert_says(&text, &["a step does nothing after its compensation or its death", "the death of book-visit"]);
}

#[test]
fn messages_that_disagree_about_the_end_are_found() {
    fn reopen(_: &PatientCame, visit: &mut Option<Visit>) {
        visit.get_or_insert(Visit { state: State::Booked, rooms: Vec::new() });
    }
    fn cancel(_: &CancelVisit, visit: &mut Option<Visit>) {
        visit.iter_mut().for_each(|visit| visit.state = State::Cancelled);
    }
    let text = broken(Properties::of(Choreography::new("clinic").on(reopen).compensate(cancel)));
    assert_says(&text, &["may come in any order", "the same in the other order", "Booked", "Cancelled"]);
}

#[test]
fn a_step_that_leaves_nothing_is_found() {
    fn book_or_not(message: &Incoming<BookVisit>, visit: &mut Option<Visit>, rooms: &mut Rows<Room>) -> Booked {
        if message.rooms.is_empty() {
            return None;
        }
        book_visit(message, visit, rooms).0
    }
    let text = broken(Properties::of(clinic().on(book_or_not).fallback(give_up)));
    assert_says(&text, &["no story ends silently", "book-visit publishes nothing, and leaves no row of visit"]);
}

#[test]
fn a_step_that_leaves_a_row_which_nobody_takes_is_found() {
    fn note(_: &RemindPatient, visit: &mut Option<Visit>) {
        visit.get_or_insert(Visit { state: State::Booked, rooms: Vec::new() });
    }
    let text = broken(Properties::of(
        Choreography::new("clinic").on(note).fallback(nothing::<RemindPatient>).compensate(cancel),
    ));
    assert_says(&text, &["no story ends silently", "not final and that no other message or command takes"]);
}

#[test]
fn a_final_row_that_goes_on_is_found() {
    fn remind(message: &PatientCame, visit: &mut Visit) -> Option<RemindPatient> {
        let is_first = visit.rooms.is_empty();
        visit.rooms.push("waiting".to_owned());
        is_first.then_some(RemindPatient { visit: message.visit })
    }
    fn remind_once(message: &PatientCame, visit: &mut Visit) -> Option<RemindPatient> {
        if visit.rooms.iter().any(|room| room == "waiting") { None } else { remind(message, visit) }
    }
    let text = broken(Properties::of(Choreography::new("clinic").on(remind_once).compensate(cancel)));
    assert_says(&text, &["a final row stays final", "patient-came publishes remind-patient, although"]);
}

#[test]
fn a_row_that_loses_fields_of_a_newer_version_is_found() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(table = "visit", key = u32)]
    struct Flat {
        #[serde(flatten)]
        booked: BookVisit2,
        came: bool,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct BookVisit2 {
        rooms: Vec<String>,
    }
    fn book(message: &BookVisit, visit: &mut Option<Flat>) -> Option<RemindPatient> {
        if visit.is_some() {
            return None;
        }
        *visit = Some(Flat { booked: BookVisit2 { rooms: message.rooms.clone() }, came: false });
        Some(RemindPatient { visit: message.visit })
    }
    fn come(_: &PatientCame, visit: &mut Flat) {
        visit.came = true;
    }
    let text = broken(Properties::of(Choreography::new("clinic").on(book).on(come)));
    assert_says(&text, &["what a newer version has added is kept", "the row 1 of visit loses a field", "`flatten`"]);
}

#[test]
fn a_row_that_refuses_fields_of_a_newer_version_is_found() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(table = "visit", key = u32)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        came: bool,
    }
    fn come(_: &PatientCame, visit: &mut Option<Strict>) {
        *visit = Some(Strict { came: true });
    }
    let text = broken(Properties::of(Choreography::new("clinic").on(come)));
    assert_says(&text, &["what a newer version has added is kept", "unknown field"]);
}

#[test]
fn a_compensation_that_dies_is_found() {
    fn refuse(_: &CancelVisit, visit: &mut Option<Visit>, rooms: &mut Rows<Room, Visit>) {
        let visit = visit.get_or_insert(Visit { state: State::Cancelled, rooms: Vec::new() });
        assert!(visit.state != State::Over, "the patient was here");
        end(visit, State::Cancelled, rooms);
    }
    let service = Choreography::new("clinic").command(open_room).on(book_visit).fallback(give_up).on(finish);
    let text = broken(Properties::of(service.compensate(refuse)));
    assert_says(&text, &["a compensation and a fallback don't die", "the patient was here", "patient-came"]);
}

#[test]
fn a_reaction_from_which_nothing_follows_is_found() {
    fn ignore(_: &PatientCame, _: &mut Visit) {}
    let text = broken(Properties::of(
        Choreography::new("clinic").command(open_room).on(book_visit).fallback(give_up).on(ignore),
    ));
    assert_says(&text, &["clinic: nothing follows from patient-came in any story"]);
}

#[test]
fn a_row_that_is_an_enum_with_data_is_found_to_lose_fields_of_a_newer_version() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(table = "visit", key = u32)]
    enum Tagged {
        Booked { rooms: Vec<String>, came: bool },
    }
    fn book(message: &BookVisit, visit: &mut Option<Tagged>) -> Option<RemindPatient> {
        if visit.is_some() {
            return None;
        }
        *visit = Some(Tagged::Booked { rooms: message.rooms.clone(), came: false });
        Some(RemindPatient { visit: message.visit })
    }
    fn come(_: &PatientCame, visit: &mut Tagged) {
        let Tagged::Booked { came, .. } = visit;
        *came = true;
    }
    let text = broken(Properties::of(Choreography::new("clinic").on(book).on(come)));
    assert_says(&text, &["the row 1 of visit loses a field", "no row that is an enum with data; make that a struct"]);
    assert!(!text.contains("field-of-a-newer-version"), "{text}");
}
