//! What is measured, and for how long, as `make bench ARGS="…"` says it.

use clap::{Parser, value_parser};

/// The most clients of the closed loop: as many connections as a service has open at once, by default.
const CLIENTS_MAX: i64 = 4_096;

/// The most orders a second: several times what the shop completes on a fast machine.
const RATE_MAX: i64 = 10_000;

/// The longest time of anything, in seconds: more than a day is a mistake in writing.
const SECONDS_MAX: u64 = 24 * 60 * 60;

/// What to measure, and for how long.
#[derive(Debug, Clone, Parser)]
#[command(about = "Measures the shop: orders per second, latency, CPU and memory, and the ceiling of the server")]
pub struct Options {
    /// Clients of the closed loop: each places an order, waits for its end, and places the next one
    #[arg(long, default_value_t = 512, value_parser = value_parser!(u32).range(1..=CLIENTS_MAX))]
    pub clients: u32,
    /// How long the closed loop is measured, in seconds
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u64).range(1..=SECONDS_MAX))]
    pub seconds: u64,
    /// Soak: the closed loop runs for so many minutes, and its first and last minute are compared; the open loop and the
    /// ceiling are left out
    #[arg(long, value_parser = value_parser!(u64).range(2..=SECONDS_MAX / 60))]
    pub minutes: Option<u64>,
    /// How long the closed loop runs before it is measured, in seconds
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u64).range(..=SECONDS_MAX))]
    pub warm_up: u64,
    /// Orders per second that the open loop places
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=RATE_MAX))]
    pub rate: u32,
    /// How long the open loop is measured, in seconds; 0 leaves it out
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u64).range(..=SECONDS_MAX))]
    pub rate_seconds: u64,
    /// How many of a hundred orders go to a zone without dealer, and are cancelled
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(0..=100))]
    pub nowhere_percent: u32,
    /// Place the orders at the gateway, as customers do, and not at the order service
    #[arg(long)]
    pub through_gateway: bool,
    /// How long the ceiling is measured, in seconds; 0 leaves it out
    #[arg(long, default_value_t = 8, value_parser = value_parser!(u64).range(..=SECONDS_MAX))]
    pub ceiling_seconds: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(["bench"].into_iter().chain(arguments.split(' ')))
    }

    #[test]
    fn measurements_of_nothing_and_without_end_are_refused() {
        for arguments in [
            "--clients 0",
            "--clients 99999999999",
            "--clients 4097",
            "--seconds 0",
            "--seconds 86401",
            "--minutes 1",
            "--minutes 1441",
            "--warm-up 86401",
            "--rate 0",
            "--rate 10001",
            "--rate-seconds 86401",
            "--nowhere-percent 101",
            "--ceiling-seconds 86401",
        ] {
            assert!(parsed(arguments).is_err(), "{arguments}");
        }
    }

    #[test]
    fn parts_of_a_measurement_can_be_left_out() {
        let options = parsed("--clients 1 --seconds 1 --warm-up 0 --rate-seconds 0 --ceiling-seconds 0");
        assert!(options.is_ok_and(|options| options.rate_seconds == 0 && options.ceiling_seconds == 0));
    }
}
