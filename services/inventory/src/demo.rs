//! The products of the demonstration. What the catalogue has already stays as it is.

use anyhow::{Context as _, Result};
use choreography::Service;
use contracts::{Currency, Money};

use crate::catalogue::{IntroduceProduct, PutProduct};

/// Enough that no demonstration and no benchmark runs out.
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
pub async fn fill_shelf(service: &Service) -> Result<()> {
    for (sku, name, cents, stock) in PRODUCTS {
        let (sku, price) = (sku.parse()?, Money::new(cents, Currency::EUR));
        let product = IntroduceProduct(PutProduct { sku, name: name.to_owned(), price, stock });
        service.execute(product).await.with_context(|| format!("putting {name} on the shelf for the demonstration"))?;
    }
    Ok(())
}
