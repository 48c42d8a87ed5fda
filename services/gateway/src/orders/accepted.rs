//! An order as the gateway has accepted it, and how it is accepted once.
//!
//! What must hold: what is accepted is published in the same commit, so that order opens it as soon as it can; and an id
//! that a customer has chosen is never another customer's order.

use choreography::{Command, Incoming, Rejected, Row};
use contracts::{
    Address, CancelOrder, CancelReason, Confirmation, CreateOrder, CustomerId, Line, News, OrderId, OrderUpdated,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An order as the gateway has accepted it. What becomes of it, order knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "accepted_order", key = OrderId, final = is_cancelled)]
pub struct AcceptedOrder {
    /// The order.
    pub order_id: OrderId,
    /// Who orders.
    pub customer_id: CustomerId,
    /// The customer's mail address, if the order has one.
    pub email: Option<String>,
    /// What is ordered.
    pub lines: Vec<Line>,
    /// Where it goes.
    pub address: Address,
    /// Whether the payment waits for the customer.
    pub confirmation: Confirmation,
    /// Why it was cancelled, if it was.
    pub cancelled: Option<CancelReason>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl AcceptedOrder {
    fn new(create: CreateOrder, now: Timestamp) -> Self {
        let CreateOrder { order_id, customer_id, email, lines, address, confirmation } = create;
        let (cancelled, accepted_at, updated_at) = (None, now, now);
        Self { order_id, customer_id, email, lines, address, confirmation, cancelled, accepted_at, updated_at }
    }

    /// Returns what order was asked to open.
    pub(crate) fn create(&self) -> CreateOrder {
        CreateOrder {
            order_id: self.order_id,
            customer_id: self.customer_id,
            email: self.email.clone(),
            lines: self.lines.clone(),
            address: self.address.clone(),
            confirmation: self.confirmation,
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.is_some()
    }
}

/// Accepts an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "accept-order", key = create.order_id: OrderId, row = AcceptedOrder)]
pub struct AcceptOrder {
    /// What order will be asked to open.
    pub create: CreateOrder,
}

/// Accepts the order, and asks order to open it. The same order under the same id is accepted once.
pub(crate) fn accept_order(
    command: &Incoming<AcceptOrder>,
    accepted: &mut Option<AcceptedOrder>,
) -> Result<Option<CreateOrder>, Rejected> {
    let AcceptOrder { create } = &**command;
    match accepted {
        Some(accepted) if accepted.create() == *create => Ok(None),
        Some(_) => {
            let detail = format!("another order has the id {} already: choose another id", create.order_id);
            Err(Rejected::new("order-id-taken", detail))
        }
        None => {
            *accepted = Some(AcceptedOrder::new(create.clone(), command.now()));
            Ok(Some(create.clone()))
        }
    }
}

/// Notes that the order is cancelled. If it was never opened, the gateway is the one who lets the customer be notified.
pub(crate) fn cancel_accepted(
    message: &Incoming<CancelOrder>,
    accepted: &mut Option<AcceptedOrder>,
) -> Option<OrderUpdated> {
    let accepted = accepted.as_mut().filter(|accepted| accepted.cancelled.is_none())?;
    (accepted.cancelled, accepted.updated_at) = (Some(message.reason), message.now());
    let CreateOrder { order_id, customer_id, email, lines, .. } = accepted.create();
    let (status, reason) = (News::Cancelled, Some(message.reason));
    let update = OrderUpdated { order_id, customer_id, email, status, total: None, reason, lines };
    (message.reason == CancelReason::NotOpened).then_some(update)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{Address, Confirmation, Line};
    use uuid::Uuid;

    fn id<T: From<Uuid>>(number: u128) -> T {
        Uuid::from_u128(number).into()
    }

    fn incoming<M: choreography::Message>(message: M) -> Incoming<M> {
        Incoming::new(message, id(9), Timestamp::from_second(5).unwrap())
    }

    fn accept(customer: u128) -> Incoming<AcceptOrder> {
        let create = CreateOrder {
            order_id: id(1),
            customer_id: id(customer),
            email: None,
            lines: vec![Line { sku: "tea".parse().unwrap(), quantity: 2 }],
            address: Address { zone: "north".parse().unwrap(), line: "1 Hill Road".to_owned() },
            confirmation: Confirmation::Manual,
        };
        incoming(AcceptOrder { create })
    }

    #[test]
    fn an_order_is_accepted_once_and_its_id_is_nobody_elses() {
        let mut accepted = None;
        let create = accept_order(&accept(2), &mut accepted).unwrap().unwrap();
        let row = accepted.clone().unwrap();
        assert_eq!((row.create(), create.customer_id, row.cancelled), (create.clone(), id(2), None));
        assert_eq!(accept_order(&accept(2), &mut accepted), Ok(None));
        assert_eq!(accept_order(&accept(3), &mut accepted).unwrap_err().code, "order-id-taken");
        assert_eq!(accepted, Some(row));
    }

    #[test]
    fn an_order_that_was_never_opened_is_news_once_and_one_that_was_opened_is_news_of_order() {
        for (reason, is_news) in [(CancelReason::NotOpened, true), (CancelReason::OutOfStock, false)] {
            let mut accepted = None;
            accept_order(&accept(2), &mut accepted).unwrap();
            let cancel = incoming(CancelOrder { order_id: id(1), reason, goods_gone: false });
            let update = cancel_accepted(&cancel, &mut accepted);
            assert_eq!(
                update.map(|update| (update.status, update.reason)),
                is_news.then_some((News::Cancelled, Some(reason)))
            );
            assert_eq!(accepted.as_ref().unwrap().cancelled, Some(reason));
            assert_eq!(cancel_accepted(&cancel, &mut accepted), None);
            assert_eq!(cancel_accepted(&cancel, &mut None), None);
        }
    }

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let mut accepted = None;
        accept_order(&accept(2), &mut accepted).unwrap();
        let json = serde_json::to_value(&accepted).unwrap();
        assert_eq!(serde_json::from_value::<Option<AcceptedOrder>>(json).unwrap(), accepted);
    }
}
