//! The customers of the demonstration. Customers who are known already stay as they are.

use choreography::{ExecuteError, Service};
use contracts::Address;

use crate::customer::{IntroduceCustomer, Profile};

/// Id, name, mail address, zone and address. In the zone `nowhere` there is no dealer: its orders are cancelled.
const CUSTOMERS: [(&str, &str, &str, &str, &str); 4] = [
    ("0198c0de-0000-7000-8000-000000000001", "Ada Lovelace", "ada@example.com", "north", "1 Hill Road"),
    ("0198c0de-0000-7000-8000-000000000002", "Grace Hopper", "grace@example.com", "south", "7 Harbour Street"),
    ("0198c0de-0000-7000-8000-000000000003", "Alan Turing", "alan@example.com", "north", "12 Mill Lane"),
    ("0198c0de-0000-7000-8000-000000000004", "Robinson Crusoe", "robinson@example.com", "nowhere", "The Beach"),
];

/// Adds the customers.
///
/// # Errors
/// When the database fails.
pub async fn welcome_customers(service: &Service) -> Result<(), ExecuteError> {
    for (id, name, email, zone, line) in CUSTOMERS {
        let id = id.parse().expect("the demonstration's ids are ids: a test adds the customers");
        let zone = zone.parse().expect("the demonstration's zones are zones: a test adds the customers");
        let addresses = vec![Address { zone, line: line.to_owned() }];
        let profile = Profile { name: name.to_owned(), email: Some(email.to_owned()), addresses };
        service.execute(IntroduceCustomer { id, profile }).await?;
    }
    Ok(())
}
