mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &Loan) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
