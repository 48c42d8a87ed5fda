//! The products of the demonstration. Products that the catalogue has already stay as they are.

use choreography::{ExecuteError, Service};
use contracts::{Currency, Money};

use crate::catalogue::{IntroduceProduct, PutProduct};

/// Pieces of each product, more than any demonstration or benchmark orders.
const PLENTY: u64 = 1_000_000;

/// Code, name, description, price in euro cents, pieces.
const PRODUCTS: [(&str, &str, &str, i64, u64); 4] = [
    ("tea", "Tea", "A tin of loose Darjeeling, 100 g.", 450, PLENTY),
    ("mug", "Mug", "Stoneware for 0.3 l, safe in the dishwasher.", 1_200, PLENTY),
    ("kettle", "Kettle", "Enamelled steel for 1.7 l, for every kind of stove.", 3_900, PLENTY),
    ("unicorn", "Unicorn", "Always out of stock.", 99_900, 0),
];

/// Puts the products on the shelf.
///
/// # Errors
/// When the database fails.
pub async fn fill_shelf(service: &Service) -> Result<(), ExecuteError> {
    for (sku, name, description, cents, stock) in PRODUCTS {
        let sku = sku.parse().expect("the demonstration's codes are codes: a test puts them on the shelf");
        let price = Money::new(cents, Currency::EUR);
        let (name, description) = (name.to_owned(), Some(description.to_owned()));
        let product = PutProduct { sku, name, description, price, stock };
        service.execute(IntroduceProduct { product }).await?;
    }
    Ok(())
}
