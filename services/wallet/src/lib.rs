//! Wallet keeps the customers' money: it takes what an order costs, and gives it back.

pub mod debit;
pub mod deposit;
pub mod http;
pub mod operation;
mod reactions;
pub mod wallet;

use choreography::{Choreography, Incoming, Rows};
use contracts::DebitWallet;

use debit::Debit;
use deposit::{OpenWallet, deposit, open_wallet};
use operation::Operation;
use reactions::{debit_wallet, give_up, refund_wallet};
use wallet::Wallet;

/// Returns everything that wallet receives and publishes. In a demonstration a customer without a wallet is given one
/// with money in it.
pub fn choreography(is_demo: bool) -> Choreography {
    Choreography::new("wallet")
        .command(deposit)
        .command(
            move |command: &Incoming<OpenWallet>, wallet: &mut Option<Wallet>, operations: &mut Rows<Operation>| {
                open_wallet(command, wallet, operations, is_demo);
            },
        )
        .on(
            move |message: &Incoming<DebitWallet>,
                  debit: &mut Option<Debit>,
                  wallet: &mut Option<Wallet>,
                  operations: &mut Rows<Operation>| {
                debit_wallet(message, debit, wallet, operations, is_demo)
            },
        )
        .fallback(give_up)
        .compensate(refund_wallet)
}
