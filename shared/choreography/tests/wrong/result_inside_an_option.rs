use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

fn lend(_: &Lend, _: &mut Option<Loan>) -> Option<Result<Lent, Lend>> {
    None
}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
