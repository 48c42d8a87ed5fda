mod library;

use choreography::*;
use library::*;

fn cancel_loan(_: &CancelLoan, _: &mut Loan) {}

fn main() {
    let _ = Choreography::new("library").compensate(cancel_loan);
}
