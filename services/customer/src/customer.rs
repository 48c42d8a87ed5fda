//! A customer's profile, and the commands that change it.
//!
//! What must hold: a profile that is put again is the same.

use choreography::{Column, Command, Incoming, Row};
use contracts::{Address, CustomerId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "customers", key = CustomerId)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// The name, by which mails greet.
    pub name: String,
    /// The address that mails go to whose order has none.
    pub email: Option<String>,
    /// Where orders may go, the preferred address first.
    pub addresses: Vec<Address>,
    /// When the profile was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl Customer {
    /// The column of its id.
    pub const ID: Column<Self, CustomerId> = Column::new("key");
}

/// What customers say about themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The name.
    pub name: String,
    /// The mail address, if there is one.
    pub email: Option<String>,
    /// Where orders may go.
    pub addresses: Vec<Address>,
}

/// Makes a customer's profile, or replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "put-customer", key = id, row = Customer)]
pub struct PutCustomer {
    /// The customer.
    pub id: CustomerId,
    /// The profile from now on.
    pub profile: Profile,
}

/// Makes a customer's profile, unless there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "introduce-customer", key = id, row = Customer)]
pub struct IntroduceCustomer {
    /// The customer.
    pub id: CustomerId,
    /// The profile of a new customer.
    pub profile: Profile,
}

/// Makes the profile, or replaces it.
pub(crate) fn put_customer(command: &Incoming<PutCustomer>, customer: &mut Option<Customer>) {
    let PutCustomer { id, profile } = (**command).clone();
    put(id, profile, command.now(), customer);
}

/// Makes the profile, unless there is one.
pub(crate) fn introduce_customer(command: &Incoming<IntroduceCustomer>, customer: &mut Option<Customer>) {
    if customer.is_none() {
        let IntroduceCustomer { id, profile } = (**command).clone();
        put(id, profile, command.now(), customer);
    }
}

fn put(id: CustomerId, profile: Profile, now: Timestamp, customer: &mut Option<Customer>) {
    let Profile { name, email, addresses } = profile;
    let (created_at, updated_at) = customer.as_ref().map_or((now, now), |known| (known.created_at, known.updated_at));
    let changed = Customer { id, name, email, addresses, created_at, updated_at };
    if customer.as_ref() != Some(&changed) {
        *customer = Some(Customer { updated_at: now, ..changed });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c0de-0000-7000-8000-000000000001";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn profile(name: &str) -> Profile {
        let email = Some("ada@example.com".to_owned());
        let addresses = vec![Address { zone: "north".parse().unwrap(), line: "1 Hill Road".to_owned() }];
        Profile { name: name.to_owned(), email, addresses }
    }

    fn incoming<C: choreography::Message>(command: C, second: i64) -> Incoming<C> {
        Incoming::new(command, uuid::Uuid::from_u128(9), at(second))
    }

    #[test]
    fn a_profile_changes_only_when_it_is_put_with_another_content() {
        let mut customer = None;
        for (name, second, updated) in [("Ada", 1, 1), ("Ada", 2, 1), ("Ada Lovelace", 3, 3), ("Ada Lovelace", 4, 3)] {
            let command = PutCustomer { id: ID.parse().unwrap(), profile: profile(name) };
            put_customer(&incoming(command, second), &mut customer);
            let known = customer.as_ref().unwrap();
            assert_eq!((known.name.as_str(), known.created_at, known.updated_at), (name, at(1), at(updated)));
        }
    }

    #[test]
    fn a_customer_who_is_known_is_not_introduced_again() {
        let mut customer = None;
        for (name, second) in [("Ada", 1), ("Grace", 2)] {
            let command = IntroduceCustomer { id: ID.parse().unwrap(), profile: profile(name) };
            introduce_customer(&incoming(command, second), &mut customer);
            assert_eq!(customer.as_ref().unwrap().name, "Ada");
        }
    }
}
