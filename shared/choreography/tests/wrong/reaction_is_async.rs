use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

async fn lend(_: &Lend, _: &mut Option<Loan>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
