mod library;

use choreography::*;
use library::*;

struct Jammed;

fn print() -> Result<(), Jammed> {
    Err(Jammed)
}

async fn send(_: &Lent, _: &()) -> Result<(), EffectError> {
    print()?;
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
