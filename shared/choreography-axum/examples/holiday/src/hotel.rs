//! Hotels with their rooms.

use choreography::{Choreography, Command, Dead, Row, Rows, Service};
use choreography_axum::post_command;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::messages::{BookHotel, CancelBookings, CancelTrip, HotelBooked};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "hotel", key = String)]
pub struct Hotel {
    pub rooms: u32,
}

/// What a trip has reserved; nothing once it was let go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "booking", key = Uuid, concerns = hotel)]
struct Booking {
    hotel: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Command)]
#[command(name = "offer-hotel", key = hotel, row = Hotel)]
pub struct OfferHotel {
    pub hotel: String,
    pub rooms: u32,
}

fn offer_hotel(command: &OfferHotel, hotel: &mut Option<Hotel>) {
    *hotel = Some(Hotel { rooms: command.rooms });
}

fn book_hotel(
    message: &BookHotel,
    booking: &mut Option<Booking>,
    hotels: &mut Rows<Hotel>,
) -> Result<Option<HotelBooked>, CancelTrip> {
    let trip = message.trip;
    if booking.is_some() {
        return Ok(None); // booked already, or cancelled first
    }
    match hotels.get_mut(&message.hotel) {
        Some(hotel) if hotel.rooms > 0 => hotel.rooms -= 1,
        _ => return Err(CancelTrip { trip, reason: "no-room".to_owned() }),
    }
    *booking = Some(Booking { hotel: Some(message.hotel.clone()) });
    Ok(Some(HotelBooked { trip }))
}

fn give_up(dead: &Dead<BookHotel>, booking: &mut Option<Booking>) -> Option<CancelTrip> {
    let first = booking.replace(Booking { hotel: None }).is_none();
    first.then(|| CancelTrip { trip: *dead.key(), reason: "failed".to_owned() })
}

fn release(_: &CancelBookings, booking: &mut Option<Booking>, hotels: &mut Rows<Hotel, Booking>) {
    let booked = booking.get_or_insert(Booking { hotel: None }).hotel.take();
    if let Some(hotel) = booked.and_then(|hotel| hotels.get_mut(&hotel)) {
        hotel.rooms += 1;
    }
}

pub fn choreography() -> Choreography {
    Choreography::new("hotel").command(offer_hotel).on(book_hotel).fallback(give_up).compensate(release)
}

pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(post_command::<OfferHotel>("/hotels", "Says how many rooms a hotel has."))
}
