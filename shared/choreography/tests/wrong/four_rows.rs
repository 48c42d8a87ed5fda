mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &mut Loan, _: &mut Loan, _: &mut Loan, _: &mut Loan) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
