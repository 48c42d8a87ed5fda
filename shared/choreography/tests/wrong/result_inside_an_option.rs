mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &mut Option<Loan>) -> Option<Result<Lent, Lend>> {
    None
}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
