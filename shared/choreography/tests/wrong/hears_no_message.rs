use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

struct Rumour;

fn lend(_: &Rumour) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
