//! Delivery finds a dealer for each confirmed order, and counts how much room the dealers have.

pub mod dealers;
pub mod delivery;
pub mod demo;
pub mod http;
pub mod reactions;

use choreography::Choreography;

use dealers::add_dealer;
use reactions::{cancel_delivery, complete_delivery, create_delivery, give_up};

/// Returns everything that delivery receives and publishes.
pub fn choreography() -> Choreography {
    Choreography::new("delivery")
        .command(add_dealer)
        .on(create_delivery)
        .fallback(give_up)
        .command(complete_delivery)
        .compensate(cancel_delivery)
}
