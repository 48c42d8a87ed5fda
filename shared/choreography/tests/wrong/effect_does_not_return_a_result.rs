mod library;

use choreography::*;
use library::*;

async fn send(_: &Lent, _: &()) {}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
