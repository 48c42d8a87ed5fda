//! Money: whole minor units of one currency, never a float. Sums are checked: none overflows or mixes currencies.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: cents of a euro.
    #[schema(example = 1250)]
    pub amount_cents: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

impl Money {
    /// Returns an amount.
    pub const fn new(amount_cents: i64, currency: Currency) -> Self {
        Self { amount_cents, currency }
    }

    /// Returns the sum; none if the currencies differ or it is out of range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let amount_cents = self.amount_cents.checked_add(other.amount_cents)?;
        (self.currency == other.currency).then_some(Self { amount_cents, ..self })
    }

    /// Returns the amount times a quantity; none if it is out of range.
    pub fn checked_mul(self, quantity: u32) -> Option<Self> {
        let amount_cents = self.amount_cents.checked_mul(i64::from(quantity))?;
        Some(Self { amount_cents, ..self })
    }
}

/// With two decimals, as for most currencies: `12.50 EUR`.
impl Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount_cents < 0 { "-" } else { "" };
        let cents = self.amount_cents.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", cents / 100, cents % 100, self.currency)
    }
}

/// A currency's ISO 4217 code: three upper-case letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "EUR")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
}

/// A currency that is not three upper-case letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is an ISO 4217 code of three upper-case letters, such as EUR")]
pub struct BadCurrency;

impl FromStr for Currency {
    type Err = BadCurrency;
    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| BadCurrency)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(BadCurrency) }
    }
}

impl TryFrom<String> for Currency {
    type Error = BadCurrency;
    fn try_from(text: String) -> Result<Self, BadCurrency> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.to_string()
    }
}

impl Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOLLAR: Currency = Currency(*b"USD");

    #[test]
    fn a_sum_neither_mixes_currencies_nor_overflows() {
        let euro = |cents| Money::new(cents, Currency::EUR);
        assert_eq!(euro(250).checked_add(euro(100)), Some(euro(350)));
        assert_eq!(euro(250).checked_mul(4), Some(euro(1000)));
        assert_eq!(euro(250).checked_add(Money::new(1, DOLLAR)), None);
        assert_eq!(euro(i64::MAX).checked_add(euro(1)), None);
        assert_eq!(euro(i64::MAX).checked_mul(2), None);
    }

    #[test]
    fn a_currency_is_three_upper_case_letters() {
        assert_eq!("EUR".parse(), Ok(Currency::EUR));
        for bad in ["", "eur", "EU", "EURO", "E1R", "€"] {
            assert_eq!(bad.parse::<Currency>(), Err(BadCurrency), "{bad:?}");
        }
    }

    #[test]
    fn money_is_shown_with_two_decimals_and_its_currency() {
        for (cents, text) in [(1250, "12.50 EUR"), (5, "0.05 EUR"), (-1250, "-12.50 EUR")] {
            assert_eq!(Money::new(cents, Currency::EUR).to_string(), text);
        }
    }
}
