//! The commands on the catalogue: products are added and changed, and pieces are counted. No product is ever removed.
//!
//! What must hold: what is held for orders stays on the shelf.

use choreography::{Command, Rejected};
use contracts::{Money, Sku};
use serde::{Deserialize, Serialize};

use crate::stock::{PIECES_MAX, Stock};

/// Adds a product, or changes its name, description and price. The pieces of one that exists are changed by
/// [`AdjustStock`] alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "put-product", key = sku, row = Stock)]
pub struct PutProduct {
    /// Its code.
    pub sku: Sku,
    /// What it is called.
    pub name: String,
    /// What it is, for those who browse the catalogue.
    pub description: Option<String>,
    /// What one piece costs from now on.
    pub price: Money,
    /// How many pieces a new product has on the shelf. A product that exists keeps its pieces.
    pub stock: u64,
}

/// Adds a product, unless the catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "introduce-product", key = product.sku: Sku, row = Stock)]
pub struct IntroduceProduct {
    /// The product.
    pub product: PutProduct,
}

/// Changes the number of pieces on the shelf, other than by an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "adjust-stock", key = sku, row = Stock)]
pub struct AdjustStock {
    /// The product's code.
    pub sku: Sku,
    /// How many pieces more; negative for fewer.
    pub delta: i64,
}

/// Adds the product, or changes its name, description and price. What has been sold since its caller counted stays sold.
pub(crate) fn put_product(command: &PutProduct, stock: &mut Option<Stock>) -> Result<(), Rejected> {
    let PutProduct { sku, name, description, price, stock: on_shelf } = command.clone();
    match stock {
        Some(stock) => (stock.name, stock.description, stock.price) = (name, description, price),
        None if on_shelf > PIECES_MAX => return Err(out_of_range(0)),
        None => *stock = Some(Stock { sku, name, description, price, on_shelf, held: 0 }),
    }
    Ok(())
}

/// Adds the product, unless the catalogue has it.
pub(crate) fn introduce_product(command: &IntroduceProduct, stock: &mut Option<Stock>) -> Result<(), Rejected> {
    if stock.is_some() { Ok(()) } else { put_product(&command.product, stock) }
}

/// Changes the number of pieces on the shelf.
pub(crate) fn adjust_stock(command: &AdjustStock, stock: &mut Stock) -> Result<(), Rejected> {
    stock.on_shelf = stock.count_after(command.delta).ok_or_else(|| out_of_range(stock.held))?;
    Ok(())
}

fn out_of_range(held: u64) -> Rejected {
    let detail = format!("{held} pieces are held for orders, and at most {PIECES_MAX} fit: choose a number between");
    Rejected::new("stock-out-of-range", detail)
}

#[cfg(test)]
mod tests {
    use contracts::Currency;

    use super::*;

    fn tea(on_shelf: u64, held: u64) -> Stock {
        let price = Money::new(250, Currency::EUR);
        Stock { sku: "tea".parse().unwrap(), name: "Tea".into(), description: None, price, on_shelf, held }
    }

    fn put(stock: u64) -> PutProduct {
        let price = Money::new(300, Currency::EUR);
        PutProduct {
            sku: "tea".parse().unwrap(),
            name: "Green tea".into(),
            description: Some("Fresh".into()),
            price,
            stock,
        }
    }

    #[test]
    fn a_new_product_has_the_given_pieces_and_a_known_one_keeps_its_own() {
        let cases = [
            (None, 5, Some((5, 0))),
            (None, PIECES_MAX + 1, None),
            (Some(tea(10, 4)), 12, Some((10, 4))),
            (Some(tea(10, 4)), 3, Some((10, 4))),
        ];
        for (before, on_shelf, expected) in cases {
            let mut stock = before.clone();
            let done = put_product(&put(on_shelf), &mut stock);
            match expected {
                Some((on_shelf, held)) => {
                    let PutProduct { name, description, price, .. } = put(0);
                    let expected = Stock { name, description, price, ..tea(on_shelf, held) };
                    assert_eq!((done, stock), (Ok(()), Some(expected)));
                }
                None => assert_eq!(done.unwrap_err().code, "stock-out-of-range", "{before:?}"),
            }
        }
    }

    #[test]
    fn a_product_that_is_known_is_not_introduced_again() {
        for (before, after) in [(None, 5), (Some(tea(10, 4)), 10)] {
            let mut stock = before;
            introduce_product(&IntroduceProduct { product: put(5) }, &mut stock).unwrap();
            assert_eq!(stock.unwrap().on_shelf, after);
        }
    }

    #[test]
    fn a_count_stays_above_what_is_held() {
        for (delta, expected) in [(5, Ok(15)), (-6, Ok(4)), (-7, Err(10))] {
            let mut stock = tea(10, 4);
            let done = adjust_stock(&AdjustStock { sku: stock.sku.clone(), delta }, &mut stock);
            assert_eq!(done.map(|()| stock.on_shelf).map_err(|_| stock.on_shelf), expected, "{delta}");
        }
    }
}
