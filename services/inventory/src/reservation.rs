//! What an order holds of the shelf, from the moment it is held until it has left or is let go.
//!
//! A reservation that is not `held` or `shipped` has no pieces any more, and nothing brings it back.

use choreography::{Concerns, Row, Rows};
use contracts::{CancelReason, Line, OrderId, Sku};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stock::Stock;

/// Where an order's pieces are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// On the shelf, for this order alone.
    Held,
    /// On their way to the customer.
    Shipped,
    /// Nowhere: nothing was held, and the order was told so.
    Refused,
    /// Let go; or the order was cancelled before anything was held.
    Released,
    /// Back on the shelf: the order was cancelled after they had left.
    Returned,
}

/// An order's pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "reservation", key = OrderId)]
pub struct Reservation {
    /// The order.
    pub order_id: OrderId,
    /// Where they are.
    pub status: Status,
    /// What was held; empty if nothing ever was.
    pub lines: Vec<Line>,
    /// Why nothing is held.
    pub reason: Option<CancelReason>,
    /// When it came to be as it is.
    pub updated_at: Timestamp,
}

impl Concerns<Sku> for Reservation {
    fn concerns(&self) -> Vec<Sku> {
        self.lines.iter().map(|line| line.sku.clone()).collect()
    }
}

impl Reservation {
    /// Holds the pieces.
    pub fn held(order_id: OrderId, lines: &[Line], stock: &mut Rows<Stock>, now: Timestamp) -> Self {
        each_product(lines, stock, Stock::hold);
        Self { order_id, status: Status::Held, lines: lines.to_vec(), reason: None, updated_at: now }
    }

    /// Nothing could be held.
    pub fn refused(order_id: OrderId, reason: CancelReason, now: Timestamp) -> Self {
        Self { order_id, status: Status::Refused, lines: Vec::new(), reason: Some(reason), updated_at: now }
    }

    /// The tombstone of an order that was cancelled before anything was held.
    pub fn never_held(order_id: OrderId, reason: CancelReason, now: Timestamp) -> Self {
        Self { status: Status::Released, ..Self::refused(order_id, reason, now) }
    }

    /// The pieces leave the shelf, unless they were let go before.
    pub fn ship(&mut self, stock: &mut Rows<Stock, Self>, now: Timestamp) {
        if self.status == Status::Held {
            each_product(&self.lines, stock, Stock::ship);
            (self.status, self.updated_at) = (Status::Shipped, now);
        }
    }

    /// The order is off: the pieces are let go, or come back.
    pub fn release(&mut self, stock: &mut Rows<Stock, Self>, reason: CancelReason, now: Timestamp) {
        let (status, compensation): (_, fn(&mut Stock, u32)) = match self.status {
            Status::Held => (Status::Released, Stock::let_go),
            Status::Shipped => (Status::Returned, Stock::take_back),
            Status::Refused | Status::Released | Status::Returned => return,
        };
        each_product(&self.lines, stock, compensation);
        (self.status, self.reason, self.updated_at) = (status, Some(reason), now);
    }
}

/// Changes each line's product. Products never leave the catalogue, so none is missing.
fn each_product<O>(lines: &[Line], stock: &mut Rows<Stock, O>, change: fn(&mut Stock, u32)) {
    for line in lines {
        if let Some(product) = stock.get_mut(&line.sku) {
            change(product, line.quantity);
        }
    }
}
