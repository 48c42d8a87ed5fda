//! Payment's own settings: how long it waits for the customer, and for the wallet.

use std::time::Duration;

use clap::{Args, Parser, value_parser};

/// The settings of payment.
#[derive(Debug, Clone, Parser)]
pub struct Settings {
    /// What every service has.
    #[command(flatten)]
    pub service: choreography_axum::Settings,
    /// How long it waits.
    #[command(flatten)]
    pub patience: Patience,
}

/// How long payment waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Patience {
    /// How long a payment waits for the customer before it expires, such as 90s, 15m or 2h
    #[arg(long, env = "PAYMENT_DEADLINE", default_value = "15m", value_parser = choreography_axum::duration)]
    pub payment_deadline: Duration,
    /// How long the wallet may take before the money is requested again; doubled after each request up to a minute
    #[arg(long, env = "DEBIT_BACKOFF", default_value = "5s", value_parser = choreography_axum::duration)]
    pub debit_backoff: Duration,
    /// How often the money is requested before the payment is cancelled, because the wallet can't be reached
    #[arg(long, env = "DEBIT_ATTEMPTS_MAX", default_value_t = 5, value_parser = value_parser!(u32).range(1..=100))]
    pub debit_attempts_max: u32,
}

impl Default for Patience {
    fn default() -> Self {
        let (payment_deadline, debit_backoff) = (Duration::from_secs(15 * 60), Duration::from_secs(5));
        Self { payment_deadline, debit_backoff, debit_attempts_max: 5 }
    }
}

/// The longest wait between two requests for the money.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

impl Patience {
    /// Returns how long to wait for the answer to this request for the money, counted from 1.
    pub fn debit_wait(&self, attempt: u32) -> Duration {
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1));
        self.debit_backoff.saturating_mul(doubled).min(BACKOFF_MAX)
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn the_wait_for_the_wallet_doubles_up_to_a_minute() {
        let waits = [1, 2, 3, 4, 5, 100].map(|attempt| Patience::default().debit_wait(attempt).as_secs());
        assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn the_default_is_that_of_the_flags() {
        let flags = Patience::augment_args(clap::Command::new("payment")).get_matches_from(["payment"]);
        assert_eq!(Patience::from_arg_matches(&flags).unwrap(), Patience::default());
    }
}
