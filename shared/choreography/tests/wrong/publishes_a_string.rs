mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &mut Option<Loan>) -> String {
    "lent".to_owned()
}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
