mod library;

use choreography::*;
use library::*;

fn send(_: &Lent, _: &()) -> anyhow::Result<()> {
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
