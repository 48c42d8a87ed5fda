use choreography::Message;

#[derive(Clone, serde::Serialize, serde::Deserialize, Message)]
#[message(name = "lend", key = loan, role = step)]
struct Lend {
    loan: f64,
}

fn main() {}
