//! The reactions to the wallet: what it answers, and that it does not answer.
//!
//! What must hold: a payment that has ended takes no answer. It has told the wallet to refund, so that a late one changes
//! nothing. A `pending` payment takes one: it was confirmed, and its database is an older copy that does not know it.

use choreography::{Dead, Incoming, Message, Scheduled};
use contracts::{CancelReason, DebitRefused, ExpirePayment, OrderConfirmed, OrderId, RetryDebit, WalletDebited};

use crate::payment::{Ended, Payment, Requested, Status};
use crate::settings::Patience;

/// Requests the money again, as the wallet has not answered yet; at the limit, cancels the payment and the order.
pub(crate) fn retry_debit(
    message: &Incoming<RetryDebit>,
    payment: &mut Payment,
    patience: &Patience,
) -> (Option<Requested>, Option<Ended>) {
    if payment.status != Status::Processing || payment.debit_attempts != message.attempts {
        return (None, None); // answered or cancelled meanwhile, or requested again already
    }
    if payment.debit_attempts < patience.debit_attempts_max {
        return (payment.request_money(patience, message.now()), None);
    }
    let reason = CancelReason::WalletUnreachable;
    (None, Some(payment.end(Status::Cancelled, reason, message.new_id("refund"), message.now())))
}

/// Confirms the payment and the order.
///
/// # Panics
/// When the wallet has taken another amount, or by another operation, than was requested. The message dies then, and
/// [`give_back`] cancels the payment.
pub(crate) fn confirm_order(
    message: &Incoming<WalletDebited>,
    payment: &mut Payment,
) -> Option<(OrderConfirmed, Scheduled<RetryDebit>, Scheduled<ExpirePayment>)> {
    if !payment.takes_answer() {
        return None; // confirmed already, or ended first and refunded
    }
    let WalletDebited { order_id, operation_id, amount } = **message;
    let requested = (payment.operation_id.unwrap_or(operation_id), payment.amount);
    assert_eq!((operation_id, Some(amount)), requested, "the wallet has taken something else than was requested");
    let operation_id = Some(operation_id);
    (payment.status, payment.operation_id, payment.updated_at) = (Status::Confirmed, operation_id, message.now());
    let confirmed = OrderConfirmed { order_id, payment_id: payment.id, amount, operation_id };
    Some((confirmed, payment.retry().cancel(), payment.expiry().cancel()))
}

/// Refuses the payment for the wallet's reason, and cancels the order.
pub(crate) fn refuse_payment(message: &Incoming<DebitRefused>, payment: &mut Payment) -> Option<Ended> {
    if !payment.takes_answer() {
        return None; // refused already, or ended first
    }
    payment.operation_id = None;
    Some(payment.end(Status::Refused, message.reason, message.new_id("refund"), message.now()))
}

/// Cancels a payment that waits for the wallet: what the wallet has answered is not known, so it gives back what it may
/// have taken.
pub(crate) fn give_back<M: Message<Key = OrderId>>(dead: &Dead<M>, payment: &mut Option<Payment>) -> Option<Ended> {
    let payment = payment.as_mut().filter(|payment| payment.status == Status::Processing)?;
    Some(payment.end(Status::Cancelled, CancelReason::Failed, dead.new_id("refund"), dead.now()))
}

#[cfg(test)]
mod tests {
    use choreography::Reason;
    use contracts::{CancelOrder, Currency, DebitWallet, Money, RefundWallet};

    use super::*;
    use crate::reactions::tests::{ALL, AMOUNT, PATIENCE, at, id, incoming, payment};

    fn debited(amount: Money, operation: u128) -> Incoming<WalletDebited> {
        incoming(WalletDebited { order_id: id(1), operation_id: id(operation), amount })
    }

    fn takes_answer(status: Status) -> bool {
        matches!(status, Status::Pending | Status::Processing)
    }

    /// Returns what a payment publishes that ended while it waited for the wallet.
    fn ended(reason: CancelReason, operation_id: contracts::OperationId) -> Ended {
        let order_id = id(1);
        let refund = Some(RefundWallet { order_id, operation_id, reason });
        let retry = RetryDebit { order_id, attempts: 1 }.cancel();
        (CancelOrder { order_id, reason, goods_gone: false }, refund, None, Some(retry))
    }

    #[test]
    fn the_answer_of_the_wallet_confirms_a_payment_that_has_not_ended() {
        for before in ALL {
            let (mut payment, message) = (payment(before), debited(AMOUNT, 6));
            let outgoing = confirm_order(&message, &mut payment);
            let waits = takes_answer(before);
            let (order_id, operation_id) = (id(1), Some(id(6)));
            let confirmed = OrderConfirmed { order_id, payment_id: payment.id, amount: AMOUNT, operation_id };
            let expected = waits.then(|| (confirmed, payment.retry().cancel(), payment.expiry().cancel()));
            assert_eq!((outgoing, payment.status), (expected, if waits { Status::Confirmed } else { before }));
            assert_eq!(confirm_order(&message, &mut payment), None, "the second time");
        }
    }

    #[test]
    #[should_panic(expected = "something else than was requested")]
    fn an_answer_with_another_operation_is_poison() {
        confirm_order(&debited(AMOUNT, 7), &mut payment(Status::Processing));
    }

    #[test]
    #[should_panic(expected = "something else than was requested")]
    fn an_answer_with_another_amount_is_poison() {
        confirm_order(&debited(Money::new(499, Currency::EUR), 6), &mut payment(Status::Processing));
    }

    #[test]
    fn a_refusal_ends_a_payment_that_has_not_ended() {
        let reason = CancelReason::InsufficientFunds;
        for before in ALL {
            let (mut payment, message) = (payment(before), incoming(DebitRefused { order_id: id(1), reason }));
            let outgoing = refuse_payment(&message, &mut payment);
            let waits = takes_answer(before);
            let (expiry, retry) = match before {
                Status::Pending => (Some(payment.expiry().cancel()), None),
                _ => (None, Some(payment.retry().cancel())),
            };
            let cancel_order = CancelOrder { order_id: id(1), reason, goods_gone: false };
            assert_eq!(outgoing, waits.then_some((cancel_order, None, expiry, retry)), "{before:?}");
            let after = if waits { (Status::Refused, Some(reason)) } else { (before, payment.reason) };
            assert_eq!((payment.status, payment.reason), after);
            assert_eq!(refuse_payment(&message, &mut payment), None, "the second time");
        }
    }

    #[test]
    fn without_an_answer_the_money_is_requested_again_with_the_same_operation_until_the_limit() {
        let mut payment = payment(Status::Processing);
        for attempts in 1..PATIENCE.debit_attempts_max {
            let message = incoming(RetryDebit { order_id: id(1), attempts });
            let (order_id, amount) = (id(1), AMOUNT);
            let request = DebitWallet { order_id, operation_id: id(6), customer_id: id(2), amount };
            let next = RetryDebit { order_id, attempts: attempts + 1 }.after(PATIENCE.debit_wait(attempts + 1));
            assert_eq!(retry_debit(&message, &mut payment, &PATIENCE), (Some((request, next)), None));
            assert_eq!(retry_debit(&message, &mut payment, &PATIENCE), (None, None), "the second time");
        }
        let message = incoming(RetryDebit { order_id: id(1), attempts: PATIENCE.debit_attempts_max });
        let (requested, outgoing) = retry_debit(&message, &mut payment, &PATIENCE);
        let (cancel_order, refund, ..) = outgoing.unwrap();
        assert_eq!((requested, cancel_order.reason), (None, CancelReason::WalletUnreachable));
        assert_eq!((refund.unwrap().operation_id, payment.status), (message.new_id("refund"), Status::Cancelled));
        assert_eq!(retry_debit(&message, &mut payment, &PATIENCE), (None, None), "the second time");
    }

    #[test]
    fn no_money_is_requested_again_for_a_payment_that_does_not_wait_for_the_wallet() {
        let message = incoming(RetryDebit { order_id: id(1), attempts: 1 });
        for before in ALL.into_iter().filter(|status| *status != Status::Processing) {
            let mut payment = Payment { debit_attempts: 1, ..payment(before) };
            assert_eq!(retry_debit(&message, &mut payment, &PATIENCE), (None, None), "{before:?}");
        }
    }

    #[test]
    fn an_answer_that_died_has_the_wallet_give_back_what_it_may_have_taken() {
        for before in ALL {
            let dead: Dead<WalletDebited> = Dead::new(id(1), Reason::Poison, "a panic", id(9), at(5));
            let mut row = Some(payment(before));
            let outgoing = give_back(&dead, &mut row);
            let waits = before == Status::Processing;
            assert_eq!(outgoing, waits.then(|| ended(CancelReason::Failed, dead.new_id("refund"))));
            assert_eq!(row.as_ref().unwrap().status, if waits { Status::Cancelled } else { before });
            assert_eq!(give_back(&dead, &mut row), None, "the second time");
        }
        let dead: Dead<DebitRefused> = Dead::new(id(1), Reason::Poison, "a panic", id(9), at(5));
        assert_eq!(give_back(&dead, &mut None), None);
    }
}
