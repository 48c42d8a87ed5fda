mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &mut Option<Loan>) -> Result<Lent, std::io::Error> {
    Ok(Lent { loan: 1 })
}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
