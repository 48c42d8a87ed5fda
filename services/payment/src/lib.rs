//! Payment takes the money for orders, and gives it back.

pub mod customer;
pub mod http;
pub mod payment;
mod reactions;
pub mod settings;

use std::time::Duration;

use choreography::{Choreography, Incoming};
use contracts::CreatePayment;

use customer::{confirm_payment, decline_payment};
use payment::Payment;
use reactions::{cancel_payment, create_payment, creation_died, expire_payment, expiry_died};

/// Everything that payment receives and publishes. Payments that nobody confirms expire after `deadline`.
pub fn choreography(deadline: Duration) -> Choreography {
    Choreography::new("payment")
        .on(move |message: &Incoming<CreatePayment>, payment: &mut Option<Payment>| {
            create_payment(message, payment, deadline)
        })
        .fallback(creation_died)
        .on(expire_payment)
        .fallback(expiry_died)
        .command(confirm_payment)
        .command(decline_payment)
        .compensate(cancel_payment)
}
