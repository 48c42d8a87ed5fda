//! Delivery finds a dealer for a confirmed order, and keeps count of the dealers' room.

pub mod dealers;
pub mod delivery;
pub mod demo;
pub mod http;
pub mod reactions;

use choreography::Choreography;

use dealers::add_dealer;
use reactions::{cancel_delivery, complete_delivery, create_delivery, give_up};

/// Everything that delivery receives and says.
pub fn choreography() -> Choreography {
    Choreography::new("delivery")
        .command(add_dealer)
        .on(create_delivery)
        .fallback(give_up)
        .command(complete_delivery)
        .compensate(cancel_delivery)
}
