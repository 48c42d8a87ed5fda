//! The pieces of an order: held on the shelf, then shipped or released.
//!
//! What must hold: a reservation that is neither `held` nor `shipped` is final: it holds nothing, and never will again.

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
    /// Nowhere: nothing could be held, and the order was cancelled.
    Refused,
    /// On the shelf, for everybody again; or nothing was held because the order was cancelled first.
    Released,
    /// Back on the shelf: the order was cancelled after they were shipped.
    Returned,
    /// At the customer, who got the money back: the order was cancelled after it was delivered.
    Lost,
}

/// An order's pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "reservation", key = OrderId, final = has_ended)]
pub struct Reservation {
    /// The order.
    pub order_id: OrderId,
    /// Where they are.
    pub status: Status,
    /// What was held; empty if nothing was.
    pub lines: Vec<Line>,
    /// Why nothing is held.
    pub reason: Option<CancelReason>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Concerns<Sku> for Reservation {
    fn concerns(&self) -> Vec<Sku> {
        self.lines.iter().map(|line| line.sku.clone()).collect()
    }
}

impl Reservation {
    /// Holds the pieces, and returns their reservation.
    pub fn held(order_id: OrderId, lines: &[Line], stock: &mut Rows<Stock>, now: Timestamp) -> Self {
        each_product(lines, stock, Stock::hold);
        Self { order_id, status: Status::Held, lines: lines.to_vec(), reason: None, updated_at: now }
    }

    /// Returns the reservation of an order of which nothing could be held.
    pub fn refused(order_id: OrderId, reason: CancelReason, now: Timestamp) -> Self {
        Self { order_id, status: Status::Refused, lines: Vec::new(), reason: Some(reason), updated_at: now }
    }

    /// Returns the tombstone of an order that was cancelled before anything was held.
    pub fn never_held(order_id: OrderId, reason: CancelReason, now: Timestamp) -> Self {
        Self { status: Status::Released, ..Self::refused(order_id, reason, now) }
    }

    /// Whether nothing becomes of it any more.
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, Status::Held | Status::Shipped)
    }

    /// Takes the pieces off the shelf, unless they were released before.
    pub fn ship(&mut self, stock: &mut Rows<Stock, Self>, now: Timestamp) {
        if self.status == Status::Held {
            each_product(&self.lines, stock, Stock::ship);
            (self.status, self.updated_at) = (Status::Shipped, now);
        }
    }

    /// Releases the pieces, or puts shipped ones back on the shelf.
    pub fn release(&mut self, stock: &mut Rows<Stock, Self>, reason: CancelReason, now: Timestamp) {
        let (status, change): (_, fn(&mut Stock, u32)) = match self.status {
            Status::Held => (Status::Released, Stock::release),
            Status::Shipped => (Status::Returned, Stock::take_back),
            Status::Refused | Status::Released | Status::Returned | Status::Lost => return,
        };
        each_product(&self.lines, stock, change);
        (self.status, self.reason, self.updated_at) = (status, Some(reason), now);
    }

    /// Notes that the pieces are gone for good. Held ones leave the shelf: that they were shipped is not known here yet.
    pub fn lose(&mut self, stock: &mut Rows<Stock, Self>, reason: CancelReason, now: Timestamp) {
        self.ship(stock, now);
        if self.status == Status::Shipped {
            (self.status, self.reason, self.updated_at) = (Status::Lost, Some(reason), now);
        }
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
