//! How many requests are allowed, and whose word counts for a caller's address.

use clap::{Args, value_parser};

use super::Network;

/// How many requests are allowed.
#[derive(Debug, Clone, Args)]
pub struct LimitSettings {
    /// How many requests a second a customer may send; each gateway counts for itself
    #[arg(long, env = "CUSTOMER_RATE", default_value_t = 20, value_parser = value_parser!(u32).range(1..=100_000))]
    pub customer_rate: u32,
    /// How many requests a customer may send at once after a pause
    #[arg(long, env = "CUSTOMER_BURST", default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub customer_burst: u32,
    /// How many requests a second may come from an address, at each gateway; of IPv6 a network of 64 bits counts as one
    #[arg(long, env = "ADDRESS_RATE", default_value_t = 100, value_parser = value_parser!(u32).range(1..=100_000))]
    pub address_rate: u32,
    /// How many requests may come from an address at once after a pause
    #[arg(long, env = "ADDRESS_BURST", default_value_t = 500, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub address_burst: u32,
    /// The networks of proxies in front of the gateway, as 10.0.0.0/8,::1: only from them `x-forwarded-for` counts
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
}
