mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &mut Rows<Book>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
