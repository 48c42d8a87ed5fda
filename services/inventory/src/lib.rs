//! Inventory prices an order from the catalogue and holds its pieces on the shelf, until they leave or are released.

pub mod catalogue;
pub mod demo;
pub mod http;
mod reactions;
pub mod reservation;
pub mod stock;

use choreography::Choreography;

use catalogue::{adjust_stock, introduce_product, put_product};
use reactions::{give_up, release_stock, reserve_stock, ship_anyway, ship_stock};

/// Returns everything that inventory receives and publishes.
pub fn choreography() -> Choreography {
    Choreography::new("inventory")
        .command(put_product)
        .command(introduce_product)
        .command(adjust_stock)
        .on(reserve_stock)
        .fallback(give_up)
        .on(ship_stock)
        .fallback(ship_anyway)
        .compensate(release_stock)
}
