use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

fn lent(_: &Lent, _: &mut Option<Loan>) -> Result<(), Refused> {
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").command(lent);
}
