//! What a service says about itself: invariants, and how races end.

use choreography::testing::{Moment, Properties};
use choreography::{Choreography, Rows};

use crate::clinic::{
    BookVisit, CancelVisit, OpenRoom, PLACES, PatientCame, RemindPatient, Room, State, Visit, VisitBooked,
    VisitRefused, book_visit, clinic, finish, give_up, open_room,
};
use crate::{assert_says, broken};

/// A room is taken by the visits that are booked there.
fn counts_visits(story: &Moment<'_>) {
    let booked = story.rows::<Visit>().into_iter().filter(|visit| visit.state == State::Booked);
    let mut rooms: Vec<String> = booked.flat_map(|visit| visit.rooms).collect();
    rooms.sort();
    rooms.dedup(); // a visit may name a room twice
    let taken = story.rows::<Room>().iter().filter(|room| room.taken > 0).count();
    assert_eq!(taken, rooms.len(), "{rooms:?} after {}", story.message());
}

fn right() -> Choreography {
    clinic().on(book_visit).fallback(give_up)
}

#[test]
fn an_invariant_holds_for_a_right_service() {
    Properties::of(right()).keeps("a room is taken by its visits", counts_visits).check();
}

#[test]
fn an_invariant_that_does_not_hold_is_found_by_its_name() {
    fn forget_room(_: &CancelVisit, visit: &mut Option<Visit>, _: &mut Rows<Room, Visit>) {
        visit.get_or_insert(Visit { state: State::Cancelled, rooms: Vec::new() }).state = State::Cancelled;
    }
    let service = Choreography::new("clinic").command(open_room).on(book_visit).fallback(give_up);
    let properties = Properties::of(service.compensate(forget_room));
    let text = broken(properties.keeps("a room is taken by its visits", counts_visits));
    assert_says(&text, &["clinic breaks a property: a room is taken by its visits", "after cancel-visit", "open-room"]);
}

#[test]
fn a_race_ends_as_the_service_says() {
    let is_over = |story: &Moment<'_>| {
        let booked = story.rows_before::<Visit>().into_iter().filter(|visit| visit.state == State::Booked).count();
        let still = story.rows::<Visit>().into_iter().filter(|visit| visit.state == State::Booked).count();
        assert!(booked == 0 || still < booked, "the visit is neither over nor cancelled");
    };
    Properties::of(right()).race::<PatientCame, CancelVisit>(is_over).check();
    let never = |story: &Moment<'_>| assert!(story.rows::<Visit>().iter().all(|visit| visit.state != State::Over));
    let text = broken(Properties::of(right()).race::<CancelVisit, PatientCame>(never));
    assert!(text.contains("patient-came may come in any order") || text.contains("cancel-visit may come"), "{text}");
}

#[test]
fn a_story_knows_what_was_done_and_published() {
    let books_once = |story: &Moment<'_>| {
        if let Some(done) = story.done::<BookVisit>() {
            let visit = story.row::<Visit>(&done.visit).expect("a visit that was asked for has a row");
            let booked = story.published::<VisitBooked>().iter().filter(|booked| booked.visit == done.visit).count();
            assert!(booked <= 1 && (booked == 1 || visit.state != State::Booked));
            assert!(story.row_before::<Visit>(&done.visit).is_none_or(|before| before == visit));
            let has_place = |room: &String| story.row_before::<Room>(room).is_some_and(|room| room.taken < PLACES);
            if story.own_row_before::<Visit>().is_none() && !done.rooms.is_empty() && done.rooms.iter().all(has_place) {
                assert!(visit.state != State::Refused, "one that died is not done");
            }
        }
    };
    Properties::of(right()).keeps("a visit is booked once", books_once).seed(7).cases(50).check();
}

#[test]
fn a_race_knows_the_row_of_its_story_and_the_message_that_came_last() {
    let ends = |story: &Moment<'_>| {
        let (before, after) = (story.own_row_before::<Visit>(), story.own_row::<Visit>());
        let is_named = match (story.done::<PatientCame>(), story.done::<CancelVisit>()) {
            (Some(came), None) => came.visit.to_string() == story.key(),
            (None, Some(cancel)) => cancel.visit.to_string() == story.key(),
            (None, None) => true, // the patient waits for the visit, or the message has died
            (Some(_), Some(_)) => false,
        };
        assert!(is_named, "{} after {before:?}", story.message());
        let expected = match before.map(|visit| visit.state) {
            Some(State::Booked) => [State::Over, State::Cancelled].as_slice(),
            Some(State::Over) => &[State::Over],
            Some(State::Refused) => &[State::Refused],
            Some(State::Cancelled) | None => &[State::Cancelled],
        };
        assert!(after.is_some_and(|visit| expected.contains(&visit.state)));
    };
    Properties::of(right()).race::<PatientCame, CancelVisit>(ends).check();
}

#[test]
fn the_same_seed_tells_the_same_stories() {
    let fails = |_: &Moment<'_>| panic!("never");
    let text = |seed| broken(Properties::of(Choreography::new("clinic").on(finish)).keeps("nothing", fails).seed(seed));
    assert_eq!(text(3), text(3));
}

#[test]
fn what_is_handed_in_about_a_message_that_no_function_takes_is_refused() {
    const TAKEN: &str = "but no reaction or command handler of clinic takes it: those take book-visit, cancel-visit, \
                         open-room, patient-came";
    let refused = VisitRefused { visit: 1 };
    let text = broken(Properties::of(right()).example(refused));
    assert_says(&text, &["`Properties::example` is about visit-refused", TAKEN]);
    let text = broken(Properties::of(right()).race::<BookVisit, RemindPatient>(|_| ()));
    assert_says(&text, &["`Properties::race` is about remind-patient", TAKEN]);
    let text = broken(Properties::of(right()).excludes(|_: &VisitBooked, _| true));
    assert_says(&text, &["`Properties::excludes` is about visit-booked", TAKEN]);
    let text = broken(Properties::of(Choreography::new("nobody")).example(VisitRefused { visit: 1 }));
    assert_says(&text, &["of nobody takes it: those take none"]);
}

#[test]
fn a_race_of_messages_that_never_come_in_both_orders_is_refused() {
    let text = broken(Properties::of(right()).race::<BookVisit, BookVisit>(|_| ()));
    assert_says(&text, &["of clinic is about book-visit and book-visit, but they are the same message"]);
    let text = broken(Properties::of(right()).race::<BookVisit, OpenRoom>(|_| ()));
    assert_says(&text, &["book-visit and open-room, but they have keys of different types"]);
}
