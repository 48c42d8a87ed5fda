use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

fn take_back(_: &Lend, _: &mut Loan) {}

fn main() {
    let _ = Choreography::new("library").undo(take_back);
}
