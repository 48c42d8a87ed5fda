mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &mut Option<Loan>, _: &mut Rows<Book, Loan>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
