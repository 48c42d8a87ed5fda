use choreography::*;

#[derive(Clone, Message)]
#[message(name = "lend", key = loan, role = step)]
struct Lend {
    loan: u32,
}

#[derive(serde::Serialize, serde::Deserialize, Message)]
#[message(name = "lent", key = loan, role = event)]
struct Lent {
    loan: u32,
}

fn main() {}
