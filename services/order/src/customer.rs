//! The customer's commands: open an order, change its address while it is not paid, and withdraw it.
//!
//! What must hold: a command that is executed twice does nothing the second time, and replies with the same order.

use choreography::{Command, Incoming, Rejected};
use contracts::{
    Address, CancelDelivery, CancelPayment, CancelReason, CreateOrder, Line, OrderId, OrderUpdated, ReserveStock, Zone,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::order::{Order, Status};

/// Opens an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "open-order", key = create.order_id: OrderId, row = Order)]
pub struct OpenOrder {
    /// What the order will be.
    pub create: CreateOrder,
}

/// Changes the address of an order. A part that is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "move-order", key = order_id, row = Order)]
pub struct MoveOrder {
    /// The order.
    pub order_id: OrderId,
    /// Another zone.
    pub zone: Option<Zone>,
    /// Another street, number and town.
    pub line: Option<String>,
}

/// Withdraws an order: the customer cancels it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "withdraw-order", key = order_id, row = Order)]
pub struct WithdrawOrder {
    /// The order.
    pub order_id: OrderId,
}

/// Opens the order, and requests its stock.
pub(crate) fn open_order(command: &Incoming<OpenOrder>, order: &mut Option<Order>) -> Option<ReserveStock> {
    if order.is_some() {
        return None;
    }
    let (opened, reserve_stock) = opened(command.create.clone(), command.now());
    *order = Some(opened);
    Some(reserve_stock)
}

/// Returns the order that is asked for, and the request for its stock.
pub(crate) fn opened(create: CreateOrder, now: Timestamp) -> (Order, ReserveStock) {
    let CreateOrder { order_id, customer_id, email, lines, address, confirmation } = create;
    let lines = added_up(lines);
    let order = Order {
        id: order_id,
        customer_id,
        email,
        status: Status::Pending,
        lines: lines.clone(),
        address,
        confirmation,
        total: None,
        payment_id: None,
        operation_id: None,
        delivery_id: None,
        reason: None,
        notified: None,
        created_at: now,
        updated_at: now,
    };
    (order, ReserveStock { order_id, customer_id, lines, confirmation })
}

/// Returns lines with each product once, where it stood first.
fn added_up(lines: Vec<Line>) -> Vec<Line> {
    let mut sums: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        match sums.iter_mut().find(|sum| sum.sku == line.sku) {
            Some(sum) => sum.quantity = sum.quantity.saturating_add(line.quantity),
            None => sums.push(line),
        }
    }
    sums
}

/// Changes the address of an order for which no delivery has been requested.
pub(crate) fn move_order(command: &Incoming<MoveOrder>, order: &mut Order) -> Result<(), Rejected> {
    if order.status != Status::Pending {
        let detail = format!("the order is {}: its address can be changed only while it is pending", order.status);
        return Err(Rejected::new("order-not-pending", detail));
    }
    let MoveOrder { zone, line, .. } = (**command).clone();
    let address = Address {
        zone: zone.unwrap_or_else(|| order.address.zone.clone()),
        line: line.unwrap_or_else(|| order.address.line.clone()),
    };
    if address != order.address {
        (order.address, order.updated_at) = (address, command.now());
    }
    Ok(())
}

/// What is published when the customer cancels an order: one of the compensations, and the news.
type Withdrawn = (Option<CancelPayment>, Option<CancelDelivery>, Option<OrderUpdated>);

/// Cancels the order, and what was done for it: its payment, or its delivery and then its payment.
pub(crate) fn withdraw_order(command: &Incoming<WithdrawOrder>, order: &mut Order) -> Result<Withdrawn, Rejected> {
    let (order_id, reason) = (command.order_id, CancelReason::CustomerCancelled);
    let before = order.status;
    let update = order.cancel(reason, command.now());
    match before {
        Status::Pending => Ok((Some(CancelPayment { order_id, reason, goods_gone: false }), None, update)),
        Status::Confirmed => Ok((None, Some(CancelDelivery { order_id, reason }), update)),
        Status::Cancelled => Ok((None, None, None)),
        Status::Completed => {
            let detail = "a dealer has the order and brings it: it can't be cancelled any more";
            Err(Rejected::new("order-completed", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::tests::{at, id, line, order};
    use contracts::Confirmation;

    fn incoming<M: choreography::Message>(command: M) -> Incoming<M> {
        Incoming::new(command, id(9), at(5))
    }

    #[test]
    fn an_order_is_opened_once_with_each_product_on_one_line() {
        let new = order(Status::Pending);
        let create = CreateOrder {
            order_id: new.id,
            customer_id: new.customer_id,
            email: new.email.clone(),
            lines: vec![line("tea", 2), line("mug", 1), line("tea", 3)],
            address: new.address.clone(),
            confirmation: Confirmation::Automatic,
        };
        let command = incoming(OpenOrder { create });
        let mut opened = None;
        let outgoing = open_order(&command, &mut opened).unwrap();
        assert_eq!(outgoing.lines, [line("tea", 5), line("mug", 1)]);
        assert_eq!((outgoing.order_id, outgoing.confirmation), (new.id, Confirmation::Automatic));
        let lines = outgoing.lines;
        let confirmation = Confirmation::Automatic;
        assert_eq!(opened, Some(Order { lines, confirmation, created_at: at(5), updated_at: at(5), ..new }));
        let before = opened.clone();
        assert_eq!((open_order(&command, &mut opened), opened), (None, before));
    }

    #[test]
    fn an_address_changes_while_the_order_is_pending_and_never_after() {
        let elsewhere = incoming(MoveOrder { order_id: id(1), zone: Some("south".parse().unwrap()), line: None });
        for (status, moved) in [
            (Status::Pending, true),
            (Status::Confirmed, false),
            (Status::Completed, false),
            (Status::Cancelled, false),
        ] {
            let mut order = order(status);
            assert_eq!(move_order(&elsewhere, &mut order).is_ok(), moved, "{status}");
            assert_eq!(order.address.zone.as_str(), if moved { "south" } else { "north" });
            assert_eq!((order.address.line.as_str(), order.updated_at), ("1 Hill Road", at(if moved { 5 } else { 0 })));
        }
    }

    #[test]
    fn a_withdrawn_order_is_compensated_from_its_state() {
        let (order_id, reason) = (id(1), CancelReason::CustomerCancelled);
        let payment = Some(CancelPayment { order_id, reason, goods_gone: false });
        let delivery = Some(CancelDelivery { order_id, reason });
        let cases = [
            (Status::Pending, Ok((payment, None, true)), Status::Cancelled),
            (Status::Confirmed, Ok((None, delivery, true)), Status::Cancelled),
            (Status::Cancelled, Ok((None, None, false)), Status::Cancelled),
            (Status::Completed, Err("order-completed".to_owned()), Status::Completed),
        ];
        for (before, expected, after) in cases {
            let mut order = order(before);
            let command = incoming(WithdrawOrder { order_id });
            let outgoing = withdraw_order(&command, &mut order);
            let outgoing = outgoing.map(|(payment, delivery, update)| (payment, delivery, update.is_some()));
            assert_eq!((outgoing.map_err(|refused| refused.code), order.status), (expected, after));
            let once = order.clone();
            let again = withdraw_order(&command, &mut order).unwrap_or_default();
            assert_eq!((again, order), ((None, None, None), once), "the second time something is done");
        }
    }
}
