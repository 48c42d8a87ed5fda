//! The delivery of an order: assigned to a dealer and then completed or cancelled, or refused because there is no
//! dealer.
//!
//! What must hold: an `assigned` delivery counts against the capacity of its dealer, any other does not.

use choreography::{Column, Concerns, Row, Rows};
use contracts::{Address, CancelReason, DeliveryId, OrderId, Zone};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dealers::Dealers;

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A dealer delivers the order.
    Assigned,
    /// The customer has the order.
    Completed,
    /// The order was cancelled, before a dealer was found or after.
    Cancelled,
    /// No dealer had room.
    Refused,
}

/// An order's delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "delivery", key = OrderId, final = has_ended)]
pub struct Delivery {
    /// Its own id.
    pub id: DeliveryId,
    /// The order.
    pub order_id: OrderId,
    /// Its state.
    pub status: Status,
    /// Where it goes; none in a tombstone.
    pub address: Option<Address>,
    /// The dealer's name.
    pub dealer: Option<String>,
    /// Why it was refused or cancelled.
    pub reason: Option<CancelReason>,
    /// Whether it was cancelled after it was completed: the customer has the goods and the money.
    pub lost: bool,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl Concerns<Zone> for Delivery {
    fn concerns(&self) -> Vec<Zone> {
        self.address.iter().map(|address| address.zone.clone()).collect()
    }
}

impl Delivery {
    /// The column of its id.
    pub const ID: Column<Self, DeliveryId> = Column::new("id");
    /// The column of its order.
    pub const ORDER: Column<Self, OrderId> = Column::new("key");

    /// Returns a delivery by a dealer.
    pub fn assigned(id: DeliveryId, order_id: OrderId, address: Address, dealer: String, now: Timestamp) -> Self {
        let (address, dealer) = (Some(address), Some(dealer));
        Self { address, dealer, ..Self::without_dealer(id, order_id, Status::Assigned, now) }
    }

    /// Returns a delivery without a dealer.
    pub fn refused(id: DeliveryId, order_id: OrderId, reason: CancelReason, now: Timestamp) -> Self {
        Self { reason: Some(reason), ..Self::without_dealer(id, order_id, Status::Refused, now) }
    }

    /// Returns the tombstone of a delivery that was cancelled before it was created.
    pub fn never_created(id: DeliveryId, order_id: OrderId, reason: CancelReason, now: Timestamp) -> Self {
        Self { reason: Some(reason), ..Self::without_dealer(id, order_id, Status::Cancelled, now) }
    }

    fn without_dealer(id: DeliveryId, order_id: OrderId, status: Status, now: Timestamp) -> Self {
        let (address, dealer, reason) = (None, None, None);
        Self { id, order_id, status, address, dealer, reason, lost: false, created_at: now, updated_at: now }
    }

    /// Whether nothing becomes of it any more: a refused one can still be cancelled, and so can a completed one.
    pub fn has_ended(&self) -> bool {
        self.status == Status::Cancelled || self.lost
    }

    /// Completes the delivery. Its dealer has room again.
    pub fn complete(&mut self, dealers: &mut Rows<Dealers, Self>, now: Timestamp) {
        self.leave_dealer(dealers);
        (self.status, self.updated_at) = (Status::Completed, now);
    }

    /// Cancels the delivery, and returns whether it was not cancelled before: the payment is cancelled then, once.
    pub fn cancel(&mut self, dealers: &mut Rows<Dealers, Self>, reason: CancelReason, now: Timestamp) -> bool {
        match self.status {
            Status::Cancelled => return false,
            Status::Completed if self.lost => return false,
            Status::Completed => self.lost = true,
            Status::Assigned | Status::Refused => {
                self.leave_dealer(dealers);
                self.status = Status::Cancelled;
            }
        }
        (self.reason, self.updated_at) = (Some(reason), now);
        true
    }

    fn leave_dealer(&self, dealers: &mut Rows<Dealers, Self>) {
        if self.status != Status::Assigned {
            return;
        }
        if let (Some(address), Some(dealer)) = (&self.address, &self.dealer)
            && let Some(zone) = dealers.get_mut(&address.zone)
        {
            zone.release(dealer);
        }
    }
}
