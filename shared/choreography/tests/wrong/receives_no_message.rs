use choreography::*;

struct Rumour;

fn lend(_: &Rumour) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
