//! Flights with their seats.

use choreography::{Choreography, Command, Dead, Row, Rows, Service};
use choreography_axum::post_command;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::messages::{BookFlight, CancelBookings, CancelTrip, FlightBooked};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "flight", key = String)]
pub struct Flight {
    pub seats: u32,
}

/// What a trip has reserved; nothing once it was let go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "booking", key = Uuid, concerns = flight)]
struct Booking {
    flight: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Command)]
#[command(name = "offer-flight", key = flight, row = Flight)]
pub struct OfferFlight {
    pub flight: String,
    pub seats: u32,
}

fn offer_flight(command: &OfferFlight, flight: &mut Option<Flight>) {
    *flight = Some(Flight { seats: command.seats });
}

fn book_flight(
    message: &BookFlight,
    booking: &mut Option<Booking>,
    flights: &mut Rows<Flight>,
) -> Result<Option<FlightBooked>, CancelTrip> {
    let trip = message.trip;
    if booking.is_some() {
        return Ok(None); // booked already, or cancelled first
    }
    match flights.get_mut(&message.flight) {
        Some(flight) if flight.seats > 0 => flight.seats -= 1,
        _ => return Err(CancelTrip { trip, reason: "no-seat".to_owned() }),
    }
    *booking = Some(Booking { flight: Some(message.flight.clone()) });
    Ok(Some(FlightBooked { trip }))
}

fn give_up(dead: &Dead<BookFlight>, booking: &mut Option<Booking>) -> Option<CancelTrip> {
    let first = booking.replace(Booking { flight: None }).is_none();
    first.then(|| CancelTrip { trip: *dead.key(), reason: "failed".to_owned() })
}

fn release(_: &CancelBookings, booking: &mut Option<Booking>, flights: &mut Rows<Flight, Booking>) {
    let booked = booking.get_or_insert(Booking { flight: None }).flight.take();
    if let Some(flight) = booked.and_then(|flight| flights.get_mut(&flight)) {
        flight.seats += 1;
    }
}

pub fn choreography() -> Choreography {
    Choreography::new("flight").command(offer_flight).on(book_flight).fallback(give_up).compensate(release)
}

pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(post_command::<OfferFlight>("/flights", "Says how many seats a flight has."))
}
