use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

fn lend(_: &Lend, _: &mut Option<Loan>, _: &mut Rows<Book, Loan>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
