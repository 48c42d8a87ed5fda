//! The commands on wallets: money is put in, and in a demonstration a wallet is opened with money in it.

use choreography::{Command, Concerns, Incoming, Rejected, Rows};
use contracts::{Currency, CustomerId, Money, OperationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::operation::{Kind, Operation};
use crate::wallet::{BALANCE_MAX, Wallet};

/// How much a wallet of a demonstration has at first, in units of the currency: many orders of the demonstration's
/// products, and still a sum that a test can spend.
const OPENING_UNITS: i64 = 1_000;

/// Puts money into a customer's wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "deposit", key = operation_id, row = Operation, concerns = customer_id)]
pub struct Deposit {
    /// The id that the operation will have.
    pub operation_id: OperationId,
    /// Whose wallet it is.
    pub customer_id: CustomerId,
    /// How much is put in.
    pub amount: Money,
}

/// Opens a customer's wallet, if this is a demonstration and there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "open-wallet", key = customer_id, row = Wallet)]
pub struct OpenWallet {
    /// The customer.
    pub customer_id: CustomerId,
}

impl Concerns<OperationId> for OpenWallet {
    fn concerns(&self) -> Vec<OperationId> {
        vec![OperationId::of_opening(self.customer_id)]
    }
}

/// Puts the money in. A customer without a wallet gets one.
pub(crate) fn deposit(
    command: &Incoming<Deposit>,
    operation: &mut Option<Operation>,
    wallet: &mut Option<Wallet>,
) -> Result<(), Rejected> {
    if operation.is_some() {
        return Ok(());
    }
    let Deposit { operation_id: id, customer_id, amount } = **command;
    let now = command.now();
    let wallet = wallet.get_or_insert_with(|| Wallet::empty(customer_id, now));
    if wallet.balance(amount.currency).amount_minor.saturating_add(amount.amount_minor) > BALANCE_MAX {
        let most = Money::new(BALANCE_MAX, amount.currency);
        return Err(Rejected::new("balance-too-high", format!("a wallet holds at most {most}")));
    }
    let balance_after = wallet.put(amount, now);
    let (kind, order_id) = (Kind::Deposit, None);
    *operation = Some(Operation { id, customer_id, kind, amount, balance_after, order_id, created_at: now });
    Ok(())
}

/// Opens the wallet with euros, if there is none and this is a demonstration.
pub(crate) fn open_wallet(
    command: &Incoming<OpenWallet>,
    wallet: &mut Option<Wallet>,
    operations: &mut Rows<Operation>,
    is_demo: bool,
) {
    if is_demo && wallet.is_none() {
        *wallet = Some(opened(command.customer_id, Currency::EUR, operations, command.now()));
    }
}

/// Returns a wallet of a demonstration with money in it, and writes the operation that says so.
pub(crate) fn opened(
    customer_id: CustomerId,
    currency: Currency,
    operations: &mut Rows<Operation>,
    now: Timestamp,
) -> Wallet {
    let mut wallet = Wallet::empty(customer_id, now);
    let minor_units = (0..currency.decimals()).fold(OPENING_UNITS, |units, _| units * 10);
    let amount = Money::new(minor_units, currency);
    let (id, kind) = (OperationId::of_opening(customer_id), Kind::Opening);
    let balance_after = wallet.put(amount, now);
    Operation { id, customer_id, kind, amount, balance_after, order_id: None, created_at: now }.book(operations);
    wallet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactions::tests::{EURO, at, euros, id, wallet};

    fn command<C: choreography::Message>(command: C) -> Incoming<C> {
        Incoming::new(command, id(9), at(5))
    }

    #[test]
    fn a_deposit_is_booked_once_and_never_above_the_limit() {
        let cases = [
            (None, 500, Ok(500)),
            (Some(wallet(100)), 500, Ok(600)),
            (Some(wallet(100)), BALANCE_MAX - 100, Ok(BALANCE_MAX)),
            (Some(wallet(100)), BALANCE_MAX - 99, Err("balance-too-high")),
            (Some(wallet(BALANCE_MAX)), i64::MAX, Err("balance-too-high")),
        ];
        for (mut wallet, cents, expected) in cases {
            let deposit_money = command(Deposit { operation_id: id(7), customer_id: id(2), amount: euros(cents) });
            let mut operation = None;
            let done = deposit(&deposit_money, &mut operation, &mut wallet).map_err(|rejected| rejected.code);
            assert_eq!(done, expected.map(drop).map_err(str::to_owned));
            let Ok(balance) = expected else { continue };
            let booked = operation.clone().unwrap();
            assert_eq!(
                (booked.kind, booked.amount, booked.balance_after),
                (Kind::Deposit, euros(cents), euros(balance))
            );
            assert_eq!(wallet.as_ref().unwrap().balance(EURO), euros(balance));
            let once = (operation.clone(), wallet.clone());
            deposit(&deposit_money, &mut operation, &mut wallet).unwrap();
            assert_eq!((operation, wallet), once);
        }
    }

    #[test]
    fn only_a_customer_without_a_wallet_is_given_one_in_a_demonstration_alone() {
        let open = command(OpenWallet { customer_id: id(2) });
        let opening = OperationId::of_opening(id(2));
        for (before, is_demo, after) in
            [(None, true, Some(100_000)), (Some(wallet(3)), true, Some(3)), (None, false, None)]
        {
            let (was_missing, mut wallet, mut operations) = (before.is_none(), before, Rows::of([(opening, None)]));
            open_wallet(&open, &mut wallet, &mut operations, is_demo);
            assert_eq!(wallet.map(|wallet| wallet.balance(EURO)), after.map(euros));
            let booked = operations.get(&opening).map(|operation| (operation.kind, operation.balance_after));
            assert_eq!(booked, (is_demo && was_missing).then_some((Kind::Opening, euros(100_000))));
        }
    }

    #[test]
    fn a_wallet_is_opened_with_whole_units_of_every_currency() {
        for (currency, amount_minor) in [("EUR", 100_000), ("JPY", 1_000), ("KWD", 1_000_000)] {
            let currency = currency.parse().unwrap();
            let mut operations = Rows::of([(OperationId::of_opening(id(2)), None)]);
            let wallet = opened(id(2), currency, &mut operations, at(1));
            assert_eq!(wallet.balances, [Money::new(amount_minor, currency)]);
        }
    }
}
