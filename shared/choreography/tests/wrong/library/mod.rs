//! The library that the fixtures get wrong: a loan is asked for, and a book is lent.

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Lend {
    pub loan: u32,
}

impl choreography::Message for Lend {
    const NAME: &'static str = "lend";
    type Key = u32;
    fn key(&self) -> u32 {
        self.loan
    }
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Lent {
    pub loan: u32,
}

impl choreography::Message for Lent {
    const NAME: &'static str = "lent";
    type Key = u32;
    fn key(&self) -> u32 {
        self.loan
    }
}

#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Loan;

impl choreography::Row for Loan {
    const TABLE: &'static str = "loan";
    type Key = u32;
}

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

#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Book;

impl choreography::Row for Book {
    const TABLE: &'static str = "book";
    type Key = Isbn;
}

impl choreography::Command for Lend {
    type Row = Loan;
}
