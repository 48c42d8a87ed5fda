mod library;

use choreography::*;
use library::*;

async fn send(_: &Lent, _: &()) -> Result<(), EffectError> {
    let shared = std::rc::Rc::new(());
    std::future::ready(()).await;
    drop(shared);
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
