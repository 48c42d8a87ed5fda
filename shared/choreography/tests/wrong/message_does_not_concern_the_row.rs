use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

fn lend(_: &Lend, _: &mut Option<Book>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
