use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

fn lend(_: &Lend, _: &mut Option<Loan>) -> Result<Lent, Lent> {
    Ok(Lent { loan: 1 })
}

fn main() {
    let _ = Choreography::new("library").command(lend);
}
