use choreography::*;

include!("../../../../../shared/choreography/tests/wrong/library.in");

fn send(_: &Lent, _: &()) -> anyhow::Result<()> {
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").effect(send, ());
}
