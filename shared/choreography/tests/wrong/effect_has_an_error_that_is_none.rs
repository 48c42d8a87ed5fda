mod library;

use choreography::*;
use library::*;

struct Jammed;

async fn send(_: &Lent, _: &()) -> Result<(), Jammed> {
    Err(Jammed)
}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
