//! Mistakes in `#[message(…)]`.

use choreography::Message;

#[derive(Message)]
struct NoAttribute {
    loan: u32,
}

#[derive(Message)]
#[message]
struct NoArguments {
    loan: u32,
}

#[derive(Message)]
#[message()]
struct NothingGiven {
    loan: u32,
}

#[derive(Message)]
#[message(name = "LendBook", key = loan, role = step)]
struct NoKebabCase {
    loan: u32,
}

#[derive(Message)]
#[message(name = lend, key = loan, role = step)]
struct NoQuotes {
    loan: u32,
}

#[derive(Message)]
#[message(name = "lend", key = "loan", role = step)]
struct QuotedKey {
    loan: u32,
}

#[derive(Message)]
#[message(name = "lend", key = loan, role = "step")]
struct QuotedRole {
    loan: u32,
}

#[derive(Message)]
#[message(name = "lend", key = book, role = command)]
struct NoSuchFieldAndNoSuchRole {
    loan: u32,
    title: String,
}

#[derive(Message)]
#[message(name = "lend", key = loan.id, role = step)]
struct NestedKeyWithoutType {
    loan: u32,
}

#[derive(Message)]
#[message(name = "lend", key = loan, role = step, fast = true)]
struct UnknownArgument {
    loan: u32,
}

#[derive(Message)]
#[message(name = "lend", name = "lent", key = loan, role = step)]
struct NamedTwice {
    loan: u32,
}

#[derive(Message)]
#[message(name = "lend", key = loan, role = step, version = 0)]
struct VersionZero {
    loan: u32,
}

#[derive(Message)]
#[message(name = "lend", key = loan, role = step)]
enum NoStruct {
    Book,
}

#[derive(Message)]
#[message(name = "lend", key = loan, role = step)]
struct TupleStruct(u32);

#[derive(Message)]
#[message(name = "lend", key = loan, role = step)]
struct NoFields;

#[derive(Message)]
#[message(name = "lend", key = loan, role = step)]
struct Parameters<T> {
    loan: T,
}

#[derive(Message)]
#[message(name = "lend", key = loan, role = step, concerns = others)]
struct ConcernsKeysOfItsOwnType {
    loan: u32,
    others: Vec<u32>,
}

fn main() {}
