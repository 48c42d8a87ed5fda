//! Mistakes in `#[command(…)]` and `#[row(…)]`.

use choreography::{Command, Row};

#[derive(Command)]
#[command(name = "borrow", key = loan)]
struct NoRow {
    loan: u32,
}

#[derive(Command)]
#[command(name = "borrow", key = loan, row = Loan, role = step)]
struct RoleOfACommand {
    loan: u32,
}

#[derive(Command)]
#[message(name = "borrow", key = loan, row = Loan)]
struct AttributeOfAMessage {
    loan: u32,
}

#[derive(Row)]
#[row(table = "loan")]
struct NoKey;

#[derive(Row)]
#[row(key = u32)]
struct NoTable;

#[derive(Row)]
#[row(table = "book-loan", key = u32)]
struct NoSnakeCase;

#[derive(Row)]
#[row(table = "order", key = u32)]
struct WordOfSql;

#[derive(Row)]
#[row(table = "loan", key = "u32")]
struct QuotedType;

fn main() {}
