mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &mut Option<Loan>) {}
fn not_lent(_: &Dead<Lend>, _: &mut Loan) {}

fn main() {
    let _ = Choreography::new("library").on(lend).fallback(not_lent);
}
