mod library;

use choreography::*;
use library::*;

async fn lend(_: &Lend, _: &mut Option<Loan>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
