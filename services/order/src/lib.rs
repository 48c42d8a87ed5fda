//! Order opens orders, follows them to their end, and shows their stories.

pub mod customer;
pub mod http;
pub mod millisecond;
pub mod new_order;
pub mod order;
mod reactions;

use choreography::{Choreography, nothing};
use contracts::{CustomerNotified, PaymentCreated};

use customer::{move_order, open_order, withdraw_order};
use reactions::{
    cancel_incomplete, cancel_order, cancel_unconfirmed, cancel_unopened, complete_order, confirm_order, create_order,
    note_notified, note_payment,
};

/// The services whose messages make an order's story.
pub const PUBLISHERS: [&str; 7] = ["gateway", "order", "inventory", "payment", "wallet", "delivery", "notify"];

/// Returns everything that order receives and publishes.
pub fn choreography() -> Choreography {
    Choreography::new("order")
        .intake(open_order)
        .on(create_order)
        .fallback(cancel_unopened)
        .command(move_order)
        .on(note_payment)
        .fallback(nothing::<PaymentCreated>) // the confirmation names the payment again
        .on(confirm_order)
        .fallback(cancel_unconfirmed)
        .on(complete_order)
        .fallback(cancel_incomplete)
        .on(note_notified)
        .fallback(nothing::<CustomerNotified>) // the customer was notified all the same
        .command(withdraw_order)
        .compensate(cancel_order)
}
