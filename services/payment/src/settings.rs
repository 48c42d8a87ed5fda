//! Payment's own settings: how long a payment waits for the customer.

use std::time::Duration;

use clap::Parser;

/// The settings of payment.
#[derive(Debug, Clone, Parser)]
pub struct Settings {
    /// What every service has.
    #[command(flatten)]
    pub service: choreography_axum::Settings,
    /// How long a payment waits for the customer before it expires, such as 90s, 15m or 2h
    #[arg(long, env = "PAYMENT_DEADLINE", default_value = "15m", value_parser = choreography_axum::duration)]
    pub payment_deadline: Duration,
}
