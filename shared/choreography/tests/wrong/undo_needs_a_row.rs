mod library;

use choreography::*;
use library::*;

fn take_back(_: &Lend, _: &mut Loan) {}

fn main() {
    let _ = Choreography::new("library").compensate(take_back);
}
