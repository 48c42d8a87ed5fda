//! The reactions of wallet, in the order of a story.
//!
//! What must hold: an order's money is taken once and given back once, in whatever order the messages arrive.

use choreography::{Dead, Incoming, Rows};
use contracts::{CancelReason, DebitRefused, DebitWallet, RefundWallet, WalletDebited};

use crate::debit::{Debit, Status};
use crate::deposit::opened;
use crate::operation::{Kind, Operation};
use crate::wallet::Wallet;

/// Takes the money, or refuses if there is too little.
///
/// # Panics
/// When the amount is negative: it would put money into the wallet. The message dies then, and [`give_up`] refuses the
/// debit.
pub(crate) fn debit_wallet(
    message: &Incoming<DebitWallet>,
    debit: &mut Option<Debit>,
    wallet: &mut Option<Wallet>,
    operations: &mut Rows<Operation>,
    is_demo: bool,
) -> (Option<WalletDebited>, Option<DebitRefused>) {
    if debit.is_some() {
        return (None, None); // answered already, or refunded first
    }
    let DebitWallet { order_id, operation_id, customer_id, amount } = **message;
    assert!(amount.amount_minor >= 0, "a debit of {amount} would put money into the wallet");
    let now = message.now();
    if is_demo && wallet.is_none() {
        *wallet = Some(opened(customer_id, amount.currency, operations, now));
    }
    let Some(balance_after) = wallet.as_mut().and_then(|wallet| wallet.take(amount, now)) else {
        let reason = CancelReason::InsufficientFunds;
        *debit = Some(Debit::without_money(order_id, Status::Refused, reason, now));
        return (None, Some(DebitRefused { order_id, reason }));
    };
    let (id, kind) = (operation_id, Kind::Debit);
    let order = Some(order_id);
    Operation { id, customer_id, kind, amount, balance_after, order_id: order, created_at: now }.book(operations);
    *debit = Some(Debit::booked(message, now));
    (Some(WalletDebited { order_id, operation_id, amount }), None)
}

/// Refuses the debit: no money is taken for the order any more.
pub(crate) fn give_up(dead: &Dead<DebitWallet>, debit: &mut Option<Debit>) -> Option<DebitRefused> {
    if debit.is_some() {
        return None;
    }
    let (order_id, reason) = (*dead.key(), CancelReason::Failed);
    *debit = Some(Debit::without_money(order_id, Status::Refused, reason, dead.now()));
    Some(DebitRefused { order_id, reason })
}

/// Gives the money back, or sees to it that it is never taken.
pub(crate) fn refund_wallet(
    message: &Incoming<RefundWallet>,
    debit: &mut Option<Debit>,
    wallets: &mut Rows<Wallet, Debit>,
    operations: &mut Rows<Operation>,
) {
    let RefundWallet { order_id, operation_id: id, reason } = **message;
    let now = message.now();
    let Some(debit) = debit else {
        *debit = Some(Debit::without_money(order_id, Status::Cancelled, reason, now));
        return;
    };
    let Some((customer_id, amount)) = debit.reverse(reason, now) else { return };
    let wallet = wallets.get_mut(&customer_id).expect("a debit was booked from this wallet, and wallets stay");
    let (kind, balance_after) = (Kind::Refund, wallet.put(amount, now));
    let order = Some(order_id);
    Operation { id, customer_id, kind, amount, balance_after, order_id: order, created_at: now }.book(operations);
}

#[cfg(test)]
pub(crate) mod tests;
