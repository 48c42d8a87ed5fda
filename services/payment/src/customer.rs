//! The customer's commands: confirm a payment, or decline it.
//!
//! What must hold: a command that is executed twice does nothing the second time, and replies with the same payment.

use choreography::{Command, Incoming, Message, Rejected, Scheduled};
use contracts::{CancelReason, ExpirePayment, OrderId};
use serde::{Deserialize, Serialize};

use crate::payment::{Ended, Payment, Requested, Status};
use crate::settings::Patience;

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

/// Requests the money, and cancels the deadline.
pub(crate) fn confirm_payment(
    command: &Incoming<ConfirmPayment>,
    payment: &mut Payment,
    patience: &Patience,
) -> Result<(Option<Requested>, Option<Scheduled<ExpirePayment>>), Rejected> {
    match payment.status {
        Status::Processing | Status::Confirmed => Ok((None, None)),
        Status::Pending => {
            let requested = payment.process(command.new_id("debit"), patience, command.now());
            Ok((requested, Some(payment.expiry().cancel())))
        }
        Status::Refunded | Status::Cancelled | Status::Refused | Status::Expired => {
            Err(ended(payment.status, "it can't be confirmed any more; order again"))
        }
    }
}

/// Cancels the payment and the order. What the wallet has taken meanwhile, or is about to take, goes back.
pub(crate) fn decline_payment(
    command: &Incoming<DeclinePayment>,
    payment: &mut Payment,
) -> Result<Option<Ended>, Rejected> {
    match payment.status {
        Status::Cancelled => Ok(None),
        Status::Pending | Status::Processing => {
            let reason = CancelReason::PaymentCancelled;
            Ok(Some(payment.end(Status::Cancelled, reason, command.new_id("refund"), command.now())))
        }
        Status::Confirmed => {
            let detail = "the payment is confirmed: cancel its order instead, and the money comes back";
            Err(Rejected::new("payment-confirmed", detail))
        }
        Status::Refused | Status::Expired | Status::Refunded => {
            Err(ended(payment.status, "there is nothing to cancel any more"))
        }
    }
}

fn ended(status: Status, therefore: &str) -> Rejected {
    let (code, what) = match status {
        Status::Expired => ("payment-expired", "nobody confirmed the payment in time"),
        Status::Refunded => ("payment-refunded", "the money was refunded"),
        Status::Refused => ("payment-refused", "the wallet has refused the payment"),
        Status::Cancelled | Status::Pending | Status::Processing | Status::Confirmed => {
            ("payment-cancelled", "the payment was cancelled")
        }
    };
    Rejected::new(code, format!("{what}: {therefore}"))
}

#[cfg(test)]
mod tests {
    use contracts::{CancelOrder, DebitWallet, RefundWallet};

    use super::*;
    use crate::reactions::tests::{AMOUNT, PATIENCE, id, incoming, payment};

    #[test]
    fn a_payment_is_confirmed_once_and_never_after_it_ended() {
        let cases = [
            (Status::Pending, Ok(true), Status::Processing),
            (Status::Processing, Ok(false), Status::Processing),
            (Status::Confirmed, Ok(false), Status::Confirmed),
            (Status::Refunded, Err("payment-refunded"), Status::Refunded),
            (Status::Cancelled, Err("payment-cancelled"), Status::Cancelled),
            (Status::Refused, Err("payment-refused"), Status::Refused),
            (Status::Expired, Err("payment-expired"), Status::Expired),
        ];
        let command = incoming(ConfirmPayment { order_id: id(1) });
        for (before, expected, after) in cases {
            let mut payment = payment(before);
            let outgoing = confirm_payment(&command, &mut payment, &PATIENCE);
            if let Ok((Some((request, retry)), expiry)) = &outgoing {
                let (operation_id, customer_id) = (command.new_id("debit"), id(2));
                assert_eq!(*request, DebitWallet { order_id: id(1), operation_id, customer_id, amount: AMOUNT });
                assert_eq!(*retry, payment.retry().after(PATIENCE.debit_backoff));
                assert_eq!(*expiry, Some(payment.expiry().cancel()));
                assert_eq!((payment.operation_id, payment.debit_attempts), (Some(operation_id), 1));
            }
            let outgoing = outgoing.map(|(requested, _)| requested.is_some()).map_err(|rejected| rejected.code);
            assert_eq!((outgoing, payment.status), (expected.map_err(str::to_owned), after));
            let once = payment.clone();
            let again = confirm_payment(&command, &mut payment, &PATIENCE);
            assert!(again.is_ok_and(|outgoing| outgoing == (None, None)) == expected.is_ok());
            assert_eq!(payment, once);
        }
    }

    #[test]
    fn a_payment_is_declined_before_it_is_confirmed_and_not_after() {
        let cases = [
            (Status::Pending, Ok(true), Status::Cancelled),
            (Status::Processing, Ok(true), Status::Cancelled),
            (Status::Cancelled, Ok(false), Status::Cancelled),
            (Status::Confirmed, Err("payment-confirmed"), Status::Confirmed),
            (Status::Refunded, Err("payment-refunded"), Status::Refunded),
            (Status::Refused, Err("payment-refused"), Status::Refused),
            (Status::Expired, Err("payment-expired"), Status::Expired),
        ];
        let command = incoming(DeclinePayment { order_id: id(1) });
        for (before, expected, after) in cases {
            let mut payment = payment(before);
            let outgoing = decline_payment(&command, &mut payment);
            if let Ok(Some(ended)) = &outgoing {
                let (order_id, reason) = (id(1), CancelReason::PaymentCancelled);
                let is_requested = before == Status::Processing;
                let refund = RefundWallet { order_id, operation_id: command.new_id("refund"), reason };
                let expected = (
                    CancelOrder { order_id, reason, goods_gone: false },
                    is_requested.then_some(refund),
                    (!is_requested).then(|| payment.expiry().cancel()),
                    is_requested.then(|| payment.retry().cancel()),
                );
                assert_eq!(*ended, expected);
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
