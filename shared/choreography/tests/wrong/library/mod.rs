//! The library that the fixtures get wrong: a loan is requested, a book is lent, and a loan is cancelled.

#[derive(Clone, serde::Serialize, serde::Deserialize, choreography::Message)]
#[message(name = "lend", key = loan, role = step)]
pub struct Lend {
    pub loan: u32,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, choreography::Message)]
#[message(name = "lent", key = loan, role = event)]
pub struct Lent {
    pub loan: u32,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, choreography::Message)]
#[message(name = "cancel-loan", key = loan, role = compensation)]
pub struct CancelLoan {
    pub loan: u32,
}

#[derive(Clone, serde::Serialize, serde::Deserialize, choreography::Command)]
#[command(name = "borrow", key = loan, row = Loan)]
pub struct Borrow {
    pub loan: u32,
}

#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize, choreography::Row)]
#[row(table = "loan", key = u32)]
pub struct Loan;

#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize, choreography::Row)]
#[row(table = "book", key = Isbn)]
pub struct Book;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Isbn(pub String);

impl std::fmt::Display for Isbn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Isbn {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
