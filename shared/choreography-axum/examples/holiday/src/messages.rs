//! What the services publish. The key is the trip that a message is about.

use choreography::Message;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// trip to flight: reserve a seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "book-flight", key = trip, role = step, concerns = flight)]
pub struct BookFlight {
    pub trip: Uuid,
    pub flight: String,
}

/// trip to hotel: reserve a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "book-hotel", key = trip, role = step, concerns = hotel)]
pub struct BookHotel {
    pub trip: Uuid,
    pub hotel: String,
}

/// flight to trip: a seat is reserved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "flight-booked", key = trip, role = event)]
pub struct FlightBooked {
    pub trip: Uuid,
}

/// hotel to trip: a room is reserved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "hotel-booked", key = trip, role = event)]
pub struct HotelBooked {
    pub trip: Uuid,
}

/// flight and hotel to trip: there is no seat, or no room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "cancel-trip", key = trip, role = compensation)]
pub struct CancelTrip {
    pub trip: Uuid,
    pub reason: String,
}

/// trip to flight and hotel: let go of what is reserved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "cancel-bookings", key = trip, role = compensation)]
pub struct CancelBookings {
    pub trip: Uuid,
}
