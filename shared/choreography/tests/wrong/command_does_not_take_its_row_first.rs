mod library;

use choreography::*;
use library::*;

impl Concerns<Isbn> for Borrow {
    fn concerns(&self) -> Vec<Isbn> {
        Vec::new()
    }
}

fn borrow(_: &Borrow, _: &mut Option<Book>, _: &mut Option<Loan>) -> Result<(), Rejected> {
    Ok(())
}

fn main() {
    let _ = Choreography::new("library").command(borrow);
}
