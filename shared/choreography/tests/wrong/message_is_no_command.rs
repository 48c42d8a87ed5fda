mod library;

use choreography::*;
use library::*;

fn lent(_: &Lent, _: &mut Option<Loan>) -> Result<(), Rejected> {
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").command(lent);
}
