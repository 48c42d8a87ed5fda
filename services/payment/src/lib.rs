//! Payment has the wallet take the money for orders, and refund it.

pub mod customer;
pub mod http;
pub mod payment;
mod reactions;
pub mod settings;
mod wallet;

use choreography::{Choreography, Incoming};
use contracts::{CreatePayment, DebitRefused, RetryDebit, WalletDebited};

use customer::{ConfirmPayment, confirm_payment, decline_payment};
use payment::Payment;
use reactions::{cancel_payment, create_payment, expire_anyway, expire_payment, give_up};
use settings::Patience;
use wallet::{confirm_order, give_back, refuse_payment, retry_debit};

/// Returns everything that payment receives and publishes.
pub fn choreography(patience: Patience) -> Choreography {
    Choreography::new("payment")
        .on(move |message: &Incoming<CreatePayment>, payment: &mut Option<Payment>| {
            create_payment(message, payment, &patience)
        })
        .fallback(give_up)
        .on(expire_payment)
        .fallback(expire_anyway)
        .command(move |command: &Incoming<ConfirmPayment>, payment: &mut Payment| {
            confirm_payment(command, payment, &patience)
        })
        .command(decline_payment)
        .on(move |message: &Incoming<RetryDebit>, payment: &mut Payment| retry_debit(message, payment, &patience))
        .fallback(give_back::<RetryDebit>)
        .on(confirm_order)
        .fallback(give_back::<WalletDebited>)
        .on(refuse_payment)
        .fallback(give_back::<DebitRefused>)
        .compensate(cancel_payment)
}
