mod library;

use choreography::*;
use library::*;

fn cancel_loan(_: &Incoming<CancelLoan>, _: &mut Option<Loan>) {}

fn main() {
    let _ = Choreography::new("library").on(cancel_loan);
}
