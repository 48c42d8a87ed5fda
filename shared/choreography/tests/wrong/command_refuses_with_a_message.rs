mod library;

use choreography::*;
use library::*;

fn borrow(_: &Borrow, _: &mut Option<Loan>) -> Result<Lent, Lent> {
    Ok(Lent { loan: 1 })
}

fn main() {
    let _ = Choreography::new("library").command(borrow);
}
