//! The dealers of the demonstration. Those who are there already stay as they are; in `nowhere` there is never one.

use anyhow::{Context as _, Result};
use choreography::{ExecuteError, Service};

use crate::dealers::{AddDealer, DEALER_EXISTS};

/// Enough room for every demonstration and benchmark.
const PLENTY: u32 = 1_000_000;

/// Zone and name.
const DEALERS: [(&str, &str); 4] = [("north", "Nora"), ("north", "Nils"), ("south", "Suri"), ("south", "Sam")];

/// Hires the dealers.
///
/// # Errors
/// When the database fails.
pub async fn hire_dealers(service: &Service) -> Result<()> {
    for (zone, name) in DEALERS {
        let dealer = AddDealer { zone: zone.parse()?, name: name.to_owned(), capacity: PLENTY };
        match service.execute(dealer).await {
            Ok(_) => {}
            Err(ExecuteError::Rejected(refused)) if refused.code == DEALER_EXISTS => {}
            Err(error) => return Err(error).with_context(|| format!("hiring {name} for the demonstration")),
        }
    }
    Ok(())
}
