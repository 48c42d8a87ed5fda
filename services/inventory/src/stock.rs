//! A product: its price, the pieces on the shelf, and how many of these are held for orders.
//!
//! What must hold: `held` is never more than `on_shelf`, so an order can be shipped.

use choreography::{Column, Row, Rows};
use contracts::{CancelReason, Line, Money, Sku};
use serde::{Deserialize, Serialize};

/// The largest number of pieces of a product: far below the range of the counts, so that none overflows.
pub const PIECES_MAX: u64 = 1_000_000_000_000;

/// A product and its pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "stock", key = Sku)]
pub struct Stock {
    /// Its code.
    pub sku: Sku,
    /// What it is called.
    pub name: String,
    /// What it is, for those who browse the catalogue.
    #[serde(default)]
    pub description: Option<String>,
    /// What one piece costs.
    pub price: Money,
    /// How many pieces there are, those that are held among them.
    pub on_shelf: u64,
    /// How many of them belong to orders that are not shipped yet.
    pub held: u64,
}

impl Stock {
    /// The column of its code.
    pub const SKU: Column<Self, Sku> = Column::new("key");

    /// Returns how many pieces can be ordered.
    pub fn available(&self) -> u64 {
        self.on_shelf.saturating_sub(self.held)
    }

    /// Returns the number of pieces after a change; none if it is less than what is held, or more than [`PIECES_MAX`].
    pub fn count_after(&self, delta: i64) -> Option<u64> {
        let on_shelf = self.on_shelf.checked_add_signed(delta)?;
        (self.held..=PIECES_MAX).contains(&on_shelf).then_some(on_shelf)
    }

    /// Holds pieces for an order.
    pub fn hold(&mut self, pieces: u32) {
        self.held += u64::from(pieces);
    }

    /// Releases held pieces.
    pub fn release(&mut self, pieces: u32) {
        self.held = self.held.saturating_sub(pieces.into());
    }

    /// Takes held pieces off the shelf.
    pub fn ship(&mut self, pieces: u32) {
        self.release(pieces);
        self.on_shelf = self.on_shelf.saturating_sub(pieces.into());
    }

    /// Puts shipped pieces back on the shelf.
    pub fn take_back(&mut self, pieces: u32) {
        self.on_shelf = self.on_shelf.saturating_add(pieces.into());
    }
}

/// Returns the price of these lines together. Lines of one product add up.
///
/// # Errors
/// Why they can't be sold: a product is unknown or has too few pieces, or the price can't be expressed.
pub fn price(lines: &[Line], stock: &Rows<Stock>) -> Result<Money, CancelReason> {
    let mut total: Option<Money> = None;
    for line in lines {
        let product = stock.get(&line.sku).ok_or(CancelReason::UnknownProduct)?;
        if pieces_of(&line.sku, lines) > product.available() {
            return Err(CancelReason::OutOfStock);
        }
        let amount = product.price.checked_mul(line.quantity).ok_or(CancelReason::TotalTooLarge)?;
        total = Some(match total {
            None => amount,
            Some(total) if total.currency != amount.currency => return Err(CancelReason::MixedCurrencies),
            Some(total) => total.checked_add(amount).ok_or(CancelReason::TotalTooLarge)?,
        });
    }
    // Order accepts no order without lines; one without has nothing that could be sold.
    total.ok_or(CancelReason::UnknownProduct)
}

fn pieces_of(sku: &Sku, lines: &[Line]) -> u64 {
    lines.iter().filter(|line| line.sku == *sku).map(|line| u64::from(line.quantity)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> Rows<Stock> {
        let product = |sku: &str, cents, currency: &str, on_shelf, held| {
            let sku: Sku = sku.parse().unwrap();
            let price = Money::new(cents, currency.parse().unwrap());
            (sku.clone(), Some(Stock { sku, name: "a product".into(), description: None, price, on_shelf, held }))
        };
        Rows::of([
            product("tea", 250, "EUR", 10, 4),
            product("mug", 900, "EUR", 1, 0),
            product("hat", 900, "USD", 1, 0),
            product("palace", i64::MAX, "EUR", 5, 0),
            product("unicorn", 100, "EUR", 0, 0),
            ("ghost".parse().unwrap(), None),
        ])
    }

    #[test]
    fn an_order_has_the_price_of_the_catalogue_or_is_refused_with_a_reason() {
        let euro = |cents| Ok(Money::new(cents, "EUR".parse().unwrap()));
        let cases = [
            (vec![("tea", 2)], euro(500)),
            (vec![("tea", 6)], euro(1500)),
            (vec![("tea", 7)], Err(CancelReason::OutOfStock)),
            (vec![("tea", 2), ("mug", 1)], euro(1400)),
            (vec![("tea", 3), ("tea", 3)], euro(1500)),
            (vec![("tea", 3), ("mug", 1), ("tea", 4)], Err(CancelReason::OutOfStock)),
            (vec![("unicorn", 1)], Err(CancelReason::OutOfStock)),
            (vec![("tea", 1), ("ghost", 1)], Err(CancelReason::UnknownProduct)),
            (vec![("mug", 1), ("hat", 1)], Err(CancelReason::MixedCurrencies)),
            (vec![("palace", 2)], Err(CancelReason::TotalTooLarge)),
            (vec![("palace", 1), ("mug", 1)], Err(CancelReason::TotalTooLarge)),
            (vec![("tea", u32::MAX), ("tea", u32::MAX)], Err(CancelReason::OutOfStock)),
            (vec![], Err(CancelReason::UnknownProduct)),
        ];
        for (lines, expected) in cases {
            let line = |(sku, quantity): &(&str, u32)| Line { sku: sku.parse().unwrap(), quantity: *quantity };
            let lines: Vec<Line> = lines.iter().map(line).collect();
            assert_eq!(price(&lines, &shelf()), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_shelf_never_has_fewer_pieces_than_are_held_nor_too_many() {
        let tea = shelf().get(&"tea".parse().unwrap()).unwrap().clone();
        let cases = [
            (5, Some(15)),
            (-6, Some(4)),
            (-7, None),
            (-11, None),
            (i64::MIN, None),
            (i64::MAX, None),
            (999_999_999_990, Some(PIECES_MAX)),
            (999_999_999_991, None),
        ];
        for (delta, expected) in cases {
            assert_eq!(tea.count_after(delta), expected, "{delta}");
        }
    }
}
