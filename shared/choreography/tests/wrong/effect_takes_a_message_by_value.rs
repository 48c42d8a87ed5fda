mod library;

use choreography::*;
use library::*;

async fn send(_: Lent, _: &()) -> Result<(), EffectError> {
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
