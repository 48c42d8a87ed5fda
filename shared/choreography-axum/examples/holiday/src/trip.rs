//! A trip asks for flight and hotel at once. It is confirmed when both are booked, and cancelled when one of them is
//! not.

use axum::extract::State;
use choreography::{Choreography, Column, Command, Dead, Message, Row, Service};
use choreography_axum::{Caller, Json, Path, Problem, find, post_command};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::messages::{BookFlight, BookHotel, CancelBookings, CancelTrip, FlightBooked, HotelBooked};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pending,
    Confirmed,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "trip", key = Uuid, final = is_cancelled)]
pub struct Trip {
    pub status: Status,
    pub has_flight: bool,
    pub has_hotel: bool,
    pub reason: Option<String>,
}

impl Trip {
    const ID: Column<Self, Uuid> = Column::new("key");

    fn is_cancelled(&self) -> bool {
        self.status == Status::Cancelled
    }

    fn confirm_if_complete(&mut self) {
        if self.status == Status::Pending && self.has_flight && self.has_hotel {
            self.status = Status::Confirmed;
        }
    }

    fn cancel(&mut self, trip: Uuid, reason: &str) -> Option<CancelBookings> {
        let first = self.status != Status::Cancelled;
        (self.status, self.reason) = (Status::Cancelled, self.reason.take().or(Some(reason.to_owned())));
        first.then_some(CancelBookings { trip })
    }
}

/// The caller chooses the id: booked twice, it is one trip.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Command)]
#[command(name = "book-trip", key = trip, row = Trip)]
pub struct BookTrip {
    pub trip: Uuid,
    pub flight: String,
    pub hotel: String,
}

fn book_trip(command: &BookTrip, trip: &mut Option<Trip>) -> Option<(BookFlight, BookHotel)> {
    if trip.is_some() {
        return None;
    }
    *trip = Some(Trip { status: Status::Pending, has_flight: false, has_hotel: false, reason: None });
    let BookTrip { trip, flight, hotel } = command.clone();
    Some((BookFlight { trip, flight }, BookHotel { trip, hotel }))
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "withdraw-trip", key = trip, row = Trip)]
pub struct WithdrawTrip {
    pub trip: Uuid,
}

fn withdraw_trip(command: &WithdrawTrip, trip: &mut Trip) -> Option<CancelBookings> {
    trip.cancel(command.trip, "withdrawn")
}

fn note_flight(_: &FlightBooked, trip: &mut Trip) {
    trip.has_flight = true;
    trip.confirm_if_complete();
}

fn note_hotel(_: &HotelBooked, trip: &mut Trip) {
    trip.has_hotel = true;
    trip.confirm_if_complete();
}

fn give_up<M: Message<Key = Uuid>>(dead: &Dead<M>, trip: &mut Option<Trip>) -> Option<CancelBookings> {
    trip.as_mut()?.cancel(*dead.key(), "failed")
}

fn cancel_trip(message: &CancelTrip, trip: &mut Option<Trip>) -> Option<CancelBookings> {
    trip.as_mut()?.cancel(message.trip, &message.reason)
}

pub fn choreography() -> Choreography {
    Choreography::new("trip")
        .intake(book_trip)
        .command(withdraw_trip)
        .on(note_flight)
        .fallback(give_up::<FlightBooked>)
        .on(note_hotel)
        .fallback(give_up::<HotelBooked>)
        .compensate(cancel_trip)
}

pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(post_command::<BookTrip>("/trips", "Books a trip; it is confirmed once flight and hotel are booked."))
        .routes(routes!(get_trip))
        .routes(routes!(post_cancel))
}

/// Returns a trip.
#[utoipa::path(get, path = "/trips/{id}", params(("id" = Uuid, Path)), responses((status = 200, body = Trip)))]
async fn get_trip(State(service): State<Service>, Path(id): Path<Uuid>) -> Result<Json<Trip>, Problem> {
    find(&service, Trip::ID, &id, "trip").await.map(Json)
}

/// Withdraws a trip; doing it again changes nothing.
#[utoipa::path(post, path = "/trips/{id}/cancel", params(("id" = Uuid, Path)), responses((status = 200, body = Trip)))]
async fn post_cancel(
    State(service): State<Service>,
    Path(trip): Path<Uuid>,
    Caller(request): Caller,
) -> Result<Json<Trip>, Problem> {
    Ok(Json(service.execute_as(WithdrawTrip { trip }, request).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trip_is_confirmed_in_either_order_and_cancelled_once() {
        let (id, mut row) = (Uuid::nil(), None);
        book_trip(&BookTrip { trip: id, flight: "LH1".to_owned(), hotel: "ritz".to_owned() }, &mut row);
        let trip = row.as_mut().unwrap();
        note_hotel(&HotelBooked { trip: id }, trip);
        assert_eq!(trip.status, Status::Pending);
        note_flight(&FlightBooked { trip: id }, trip);
        assert_eq!(trip.status, Status::Confirmed);
        assert_eq!(withdraw_trip(&WithdrawTrip { trip: id }, trip), Some(CancelBookings { trip: id }));
        assert_eq!(withdraw_trip(&WithdrawTrip { trip: id }, trip), None);
    }
}
