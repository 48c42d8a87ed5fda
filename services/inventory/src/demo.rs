//! The products of the demonstration. Products that the catalogue has already stay as they are.

use choreography::{ExecuteError, Service};
use contracts::{Currency, Money};

use crate::catalogue::{IntroduceProduct, PutProduct};

/// Pieces of each product, more than any demonstration or benchmark orders.
const PLENTY: u64 = 1_000_000;

/// Code, name, price in euro cents, pieces.
const PRODUCTS: [(&str, &str, i64, u64); 4] = [
    ("tea", "Tea", 450, PLENTY),
    ("mug", "Mug", 1_200, PLENTY),
    ("kettle", "Kettle", 3_900, PLENTY),
    ("unicorn", "Unicorn", 99_900, 0),
];

/// Puts the products on the shelf.
///
/// # Errors
/// When the database fails.
pub async fn fill_shelf(service: &Service) -> Result<(), ExecuteError> {
    for (sku, name, cents, stock) in PRODUCTS {
        let sku = sku.parse().expect("the demonstration's codes are codes: a test puts them on the shelf");
        let price = Money::new(cents, Currency::EUR);
        let product = IntroduceProduct { product: PutProduct { sku, name: name.to_owned(), price, stock } };
        service.execute(product).await?;
    }
    Ok(())
}
