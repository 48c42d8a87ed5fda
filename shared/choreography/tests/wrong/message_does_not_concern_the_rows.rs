use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

fn lend(_: &Lend, _: &mut Rows<Book>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
