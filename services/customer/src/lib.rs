//! Customer keeps the customers' profiles, and tells other services how a customer is reached. It takes no part in
//! orders: it receives and publishes no message.

pub mod contact;
pub mod customer;
pub mod demo;
pub mod http;

use choreography::Choreography;

use customer::{introduce_customer, put_customer};

/// Returns everything that customer receives and publishes: commands alone.
pub fn choreography() -> Choreography {
    Choreography::new("customer").command(put_customer).command(introduce_customer)
}
