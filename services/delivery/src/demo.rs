//! The dealers of the demonstration. Dealers who are there already stay as they are; the zone `nowhere` has none.

use choreography::{ExecuteError, Service};

use crate::dealers::{AddDealer, DEALER_EXISTS};

/// The capacity of each dealer, more than any demonstration or benchmark needs.
const PLENTY: u32 = 1_000_000;

/// Their zones and names.
const DEALERS: [(&str, &str); 4] = [("north", "Nora"), ("north", "Nils"), ("south", "Suri"), ("south", "Sam")];

/// Adds the dealers.
///
/// # Errors
/// When the database fails.
pub async fn hire_dealers(service: &Service) -> Result<(), ExecuteError> {
    for (zone, name) in DEALERS {
        let zone = zone.parse().expect("the demonstration's zones are zones: a test adds the dealers");
        let dealer = AddDealer { zone, name: name.to_owned(), capacity: PLENTY };
        match service.execute(dealer).await {
            Ok(_) => {}
            Err(ExecuteError::Rejected(rejected)) if rejected.code == DEALER_EXISTS => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
