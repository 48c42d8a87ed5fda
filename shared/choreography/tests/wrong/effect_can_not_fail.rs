use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

async fn send(_: &Lent, _: &()) {}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
