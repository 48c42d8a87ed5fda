mod library;

use choreography::*;
use library::*;

#[derive(Clone, PartialEq)]
struct Shelf;

fn lend(_: &Lend, _: &mut Option<Shelf>) {}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
