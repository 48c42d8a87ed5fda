//! Payment takes the money for orders, and refunds it.

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
use reactions::{cancel_payment, create_payment, expire_anyway, expire_payment, give_up};

/// Returns everything that payment receives and publishes. Payments that nobody confirms expire after `deadline`.
pub fn choreography(deadline: Duration) -> Choreography {
    Choreography::new("payment")
        .on(move |message: &Incoming<CreatePayment>, payment: &mut Option<Payment>| {
            create_payment(message, payment, deadline)
        })
        .fallback(give_up)
        .on(expire_payment)
        .fallback(expire_anyway)
        .command(confirm_payment)
        .command(decline_payment)
        .compensate(cancel_payment)
}
