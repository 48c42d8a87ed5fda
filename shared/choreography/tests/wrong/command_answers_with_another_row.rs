mod library;

use choreography::*;
use library::*;

impl Concerns<Isbn> for Lend {
    fn concerns(&self) -> Vec<Isbn> {
        Vec::new()
    }
}

fn lend(_: &Lend, _: &mut Option<Book>, _: &mut Option<Loan>) -> Result<(), Rejected> {
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").command(lend);
}
