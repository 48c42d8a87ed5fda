mod library;

use choreography::*;
use library::*;

type L = Option<Lent>;

fn lend(_: &Lend) -> (L, L, L, L, L, L, L, L, L) {
    (None, None, None, None, None, None, None, None, None)
}

fn main() {
    let _ = Choreography::new("library").on(lend);
}
