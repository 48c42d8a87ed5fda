//! A customer's wallet: one balance for each currency.
//!
//! What must hold: no balance is ever below zero, and each is the sum of the wallet's operations.

use choreography::Row;
use contracts::{Currency, CustomerId, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The highest balance that deposits may reach, in minor units: far below the range of amounts, so that no refund
/// overflows.
pub const BALANCE_MAX: i64 = 1_000_000_000_000_000;

/// A customer's wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Row)]
#[row(table = "wallet", key = CustomerId)]
pub struct Wallet {
    /// Whose it is.
    pub customer_id: CustomerId,
    /// How much is in it, one amount for each currency that it ever had.
    pub balances: Vec<Money>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl Wallet {
    /// Returns an empty wallet.
    pub fn empty(customer_id: CustomerId, now: Timestamp) -> Self {
        Self { customer_id, balances: Vec::new(), created_at: now, updated_at: now }
    }

    /// Returns how much of a currency is in it.
    pub fn balance(&self, currency: Currency) -> Money {
        let balance = self.balances.iter().find(|balance| balance.currency == currency);
        balance.copied().unwrap_or(Money::new(0, currency))
    }

    /// Puts money in, and returns the balance after.
    pub fn put(&mut self, amount: Money, now: Timestamp) -> Money {
        let before = self.balance(amount.currency).amount_minor;
        self.set(Money::new(before.saturating_add(amount.amount_minor), amount.currency), now)
    }

    /// Takes money out, and returns the balance after; none, and nothing is taken, if there is too little.
    pub fn take(&mut self, amount: Money, now: Timestamp) -> Option<Money> {
        let left = self.balance(amount.currency).amount_minor.checked_sub(amount.amount_minor)?;
        (left >= 0).then(|| self.set(Money::new(left, amount.currency), now))
    }

    fn set(&mut self, balance: Money, now: Timestamp) -> Money {
        self.updated_at = now;
        match self.balances.iter_mut().find(|known| known.currency == balance.currency) {
            Some(known) => *known = balance,
            None => self.balances.push(balance),
        }
        balance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount_minor: i64, currency: &str) -> Money {
        Money::new(amount_minor, currency.parse().unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_balance_is_never_below_zero_and_each_currency_has_its_own() {
        let mut wallet = Wallet::empty(uuid::Uuid::from_u128(2).into(), at(0));
        assert_eq!(wallet.take(money(1, "EUR"), at(1)), None);
        assert_eq!(wallet, Wallet::empty(wallet.customer_id, at(0)), "nothing changes where nothing is taken");
        assert_eq!(wallet.put(money(500, "EUR"), at(1)), money(500, "EUR"));
        for (amount, left) in [
            (money(501, "EUR"), None),
            (money(1, "JPY"), None),
            (money(i64::MAX, "EUR"), None),
            (money(200, "EUR"), Some(money(300, "EUR"))),
            (money(300, "EUR"), Some(money(0, "EUR"))),
            (money(1, "EUR"), None),
        ] {
            assert_eq!(wallet.take(amount, at(2)), left, "{amount}");
        }
        assert_eq!(wallet.put(money(7, "JPY"), at(3)), money(7, "JPY"));
        assert_eq!((wallet.balances, wallet.updated_at), (vec![money(0, "EUR"), money(7, "JPY")], at(3)));
    }
}
