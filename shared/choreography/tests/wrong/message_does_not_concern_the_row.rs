mod library;

use choreography::*;
use library::*;

fn lend(_: &Lend, _: &mut Option<Book>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
