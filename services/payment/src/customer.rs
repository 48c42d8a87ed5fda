//! The customer's commands: confirm a payment, or decline it.
//!
//! What must hold: a command that is executed twice does nothing the second time, and replies with the same payment.

use choreography::{Command, Incoming, Message, Rejected, Scheduled};
use contracts::{CancelOrder, CancelReason, ExpirePayment, OrderConfirmed, OrderId};
use serde::{Deserialize, Serialize};

use crate::payment::{Payment, Status};

/// Confirms a payment: the customer pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "confirm-payment", key = order_id, row = Payment)]
pub struct ConfirmPayment {
    /// The order.
    pub order_id: OrderId,
}

/// Declines a payment: the customer does not pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "decline-payment", key = order_id, row = Payment)]
pub struct DeclinePayment {
    /// The order.
    pub order_id: OrderId,
}

/// Confirms the payment and the order, and cancels the deadline.
pub(crate) fn confirm_payment(
    command: &Incoming<ConfirmPayment>,
    payment: &mut Payment,
) -> Result<Option<(OrderConfirmed, Scheduled<ExpirePayment>)>, Rejected> {
    match (payment.status, payment.amount) {
        (Status::Confirmed, _) => Ok(None),
        (Status::Pending, Some(amount)) => {
            payment.confirm(command.now());
            let confirmed =
                OrderConfirmed { order_id: payment.order_id, payment_id: payment.id, amount, operation_id: None };
            Ok(Some((confirmed, payment.expiry().cancel())))
        }
        _ => Err(ended(payment.status, "it can't be confirmed any more; order again")),
    }
}

/// Cancels the payment, the order and the deadline.
pub(crate) fn decline_payment(
    command: &Incoming<DeclinePayment>,
    payment: &mut Payment,
) -> Result<Option<(CancelOrder, Scheduled<ExpirePayment>)>, Rejected> {
    match payment.status {
        Status::Cancelled => Ok(None),
        Status::Pending => {
            let cancel_order = payment.end(Status::Cancelled, CancelReason::PaymentCancelled, command.now());
            Ok(Some((cancel_order, payment.expiry().cancel())))
        }
        Status::Confirmed => {
            let detail = "the payment is confirmed: cancel its order instead, and the money comes back";
            Err(Rejected::new("payment-confirmed", detail))
        }
        Status::Expired | Status::Refunded => Err(ended(payment.status, "there is nothing to cancel any more")),
    }
}

fn ended(status: Status, therefore: &str) -> Rejected {
    let (code, what) = match status {
        Status::Expired => ("payment-expired", "nobody confirmed the payment in time"),
        Status::Refunded => ("payment-refunded", "the money was refunded"),
        Status::Cancelled | Status::Pending | Status::Confirmed => ("payment-cancelled", "the payment was cancelled"),
    };
    Rejected::new(code, format!("{what}: {therefore}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactions::tests::{at, id, payment};

    fn incoming<M: Message>(command: M) -> Incoming<M> {
        Incoming::new(command, id(9), at(5))
    }

    #[test]
    fn a_payment_is_confirmed_once_and_never_after_it_ended() {
        let cases = [
            (Status::Pending, Ok(true), Status::Confirmed),
            (Status::Confirmed, Ok(false), Status::Confirmed),
            (Status::Refunded, Err("payment-refunded"), Status::Refunded),
            (Status::Cancelled, Err("payment-cancelled"), Status::Cancelled),
            (Status::Expired, Err("payment-expired"), Status::Expired),
        ];
        let command = incoming(ConfirmPayment { order_id: id(1) });
        for (before, expected, after) in cases {
            let mut payment = payment(before);
            let outgoing = confirm_payment(&command, &mut payment);
            if let Ok(Some((confirmed, expiry))) = &outgoing {
                assert_eq!((confirmed.payment_id, Some(confirmed.amount)), (payment.id, payment.amount));
                assert_eq!(*expiry, payment.expiry().cancel());
            }
            let outgoing = outgoing.map(|outgoing| outgoing.is_some()).map_err(|rejected| rejected.code);
            assert_eq!((outgoing, payment.status), (expected.map_err(str::to_owned), after));
            let once = payment.clone();
            assert!(
                confirm_payment(&command, &mut payment).is_ok_and(|outgoing| outgoing.is_none()) == expected.is_ok()
            );
            assert_eq!(payment, once);
        }
    }

    #[test]
    fn a_payment_is_declined_before_it_is_confirmed_and_not_after() {
        let cases = [
            (Status::Pending, Ok(true), Status::Cancelled),
            (Status::Cancelled, Ok(false), Status::Cancelled),
            (Status::Confirmed, Err("payment-confirmed"), Status::Confirmed),
            (Status::Refunded, Err("payment-refunded"), Status::Refunded),
            (Status::Expired, Err("payment-expired"), Status::Expired),
        ];
        let command = incoming(DeclinePayment { order_id: id(1) });
        for (before, expected, after) in cases {
            let mut payment = payment(before);
            let outgoing = decline_payment(&command, &mut payment);
            if let Ok(Some((cancel_order, expiry))) = &outgoing {
                assert_eq!(
                    *cancel_order,
                    CancelOrder { order_id: id(1), reason: CancelReason::PaymentCancelled, goods_gone: false }
                );
                assert_eq!(*expiry, payment.expiry().cancel());
            }
            let outgoing = outgoing.map(|outgoing| outgoing.is_some()).map_err(|rejected| rejected.code);
            assert_eq!((outgoing, payment.status), (expected.map_err(str::to_owned), after));
            let once = payment.clone();
            assert!(
                decline_payment(&command, &mut payment).is_ok_and(|outgoing| outgoing.is_none()) == expected.is_ok()
            );
            assert_eq!(payment, once);
        }
    }
}
