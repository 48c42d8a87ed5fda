//! Payment's own settings: how long a payment waits for the customer.

use std::time::Duration;

use clap::Parser;

// No doc comment: clap would show it as what the service is about.
#[allow(missing_docs)]
#[derive(Debug, Clone, Parser)]
pub struct Settings {
    #[command(flatten)]
    pub service: choreography_axum::Settings,
    /// How long a payment waits for the customer before it expires, such as 90s, 15m or 2h
    #[arg(long, env = "PAYMENT_DEADLINE", default_value = "15m", value_parser = choreography_axum::duration)]
    pub payment_deadline: Duration,
}
