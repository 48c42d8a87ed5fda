mod library;

use choreography::*;
use library::*;

async fn send(_: &Lent, _: &(), _: &mut Option<Loan>) -> Result<(), EffectError> {
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
