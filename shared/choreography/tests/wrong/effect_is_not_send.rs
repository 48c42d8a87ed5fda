use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

async fn send(_: &Lent, _: &()) -> anyhow::Result<()> {
    let shared = std::rc::Rc::new(());
    std::future::ready(()).await;
    drop(shared);
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
