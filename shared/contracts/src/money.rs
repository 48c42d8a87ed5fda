//! Money: whole minor units of one currency, never a float. Sums are checked: none overflows or mixes currencies.
//!
//! What must hold: a [`Currency`] is one of ISO 4217 that has minor units, as it is checked when it is made.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::str::FromStr;

use iso_currency::{Currency as Iso, IntoEnumIterator};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// Minor units: cents of a euro, whole yen, thousandths of a dinar.
    #[serde(alias = "amount_cents")] // its name in messages and rows of earlier versions
    #[schema(example = 1250)]
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

impl Money {
    /// Returns an amount.
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    /// Returns the sum; none if the currencies differ or it is out of range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let amount_minor = self.amount_minor.checked_add(other.amount_minor)?;
        (self.currency == other.currency).then_some(Self { amount_minor, ..self })
    }

    /// Returns the amount times a quantity; none if it is out of range.
    pub fn checked_mul(self, quantity: u32) -> Option<Self> {
        let amount_minor = self.amount_minor.checked_mul(i64::from(quantity))?;
        Some(Self { amount_minor, ..self })
    }
}

/// With as many decimals as the currency has, and a comma between thousands: `1,234.50 EUR`, `1,200 JPY`, `4.500 KWD`.
impl Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let decimals = self.currency.decimals();
        // At least one digit before the point.
        let digits = format!("{:0>width$}", self.amount_minor.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction} {}", with_commas(whole), self.currency)
    }
}

fn with_commas(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A currency of ISO 4217 in which something can be paid. Gold, test codes and the like have no minor units, and are
/// none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "&'static str")]
pub struct Currency(Iso);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(Iso::EUR);

    /// Returns its ISO 4217 code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Returns how many decimals its amounts have: how many minor units make one of its units, as a power of ten.
    pub fn decimals(self) -> usize {
        usize::from(self.0.exponent().unwrap_or_default())
    }
}

/// A code that is no currency in which something can be paid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is a code of ISO 4217 in upper case, such as EUR")]
pub struct BadCurrency;

impl FromStr for Currency {
    type Err = BadCurrency;
    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        let currency = Iso::from_code(text).filter(|currency| currency.exponent().is_some());
        currency.map(Self).ok_or(BadCurrency)
    }
}

impl TryFrom<Cow<'_, str>> for Currency {
    type Error = BadCurrency;
    fn try_from(text: Cow<'_, str>) -> Result<Self, BadCurrency> {
        text.parse()
    }
}

impl From<Currency> for &'static str {
    fn from(currency: Currency) -> &'static str {
        currency.code()
    }
}

impl Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The API's description lists the codes, so that what it allows is what is accepted.
impl PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        let codes = Iso::iter().filter(|currency| currency.exponent().is_some()).map(|currency| currency.code());
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).examples(["EUR"]);
        schema.description(Some("A currency's ISO 4217 code.")).into()
    }
}

impl ToSchema for Currency {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn money(amount_minor: i64, currency: &str) -> Money {
        Money::new(amount_minor, currency.parse().unwrap())
    }

    #[test]
    fn a_sum_neither_mixes_currencies_nor_overflows() {
        let euro = |cents| Money::new(cents, Currency::EUR);
        assert_eq!(euro(250).checked_add(euro(100)), Some(euro(350)));
        assert_eq!(euro(250).checked_mul(4), Some(euro(1000)));
        assert_eq!(euro(250).checked_add(money(1, "USD")), None);
        assert_eq!(euro(i64::MAX).checked_add(euro(1)), None);
        assert_eq!(euro(i64::MAX).checked_mul(2), None);
    }

    #[test]
    fn a_currency_is_a_code_of_the_standard_with_minor_units() {
        for (code, decimals) in [("EUR", 2), ("JPY", 0), ("ISK", 0), ("KWD", 3), ("TND", 3), ("CLF", 4)] {
            assert_eq!(code.parse().map(Currency::decimals), Ok(decimals), "{code}");
        }
        for bad in ["", "eur", "EU", "EURO", "E1R", "€", "ABC", "XAU", "XTS", "XXX"] {
            assert_eq!(bad.parse::<Currency>(), Err(BadCurrency), "{bad:?}");
            assert!(serde_json::from_value::<Currency>(json!(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn money_is_shown_as_people_write_it() {
        for (amount_minor, currency, text) in [
            (450, "EUR", "4.50 EUR"),
            (5, "EUR", "0.05 EUR"),
            (-1_250, "EUR", "-12.50 EUR"),
            (123_456_789, "EUR", "1,234,567.89 EUR"),
            (0, "JPY", "0 JPY"),
            (950, "JPY", "950 JPY"),
            (1_200, "JPY", "1,200 JPY"),
            (4_500, "KWD", "4.500 KWD"),
            (1_234_005, "BHD", "1,234.005 BHD"),
            (i64::MIN, "JPY", "-9,223,372,036,854,775,808 JPY"),
        ] {
            assert_eq!(money(amount_minor, currency).to_string(), text);
        }
    }

    #[test]
    fn money_is_read_with_fields_of_later_versions_and_under_its_earlier_name() {
        let written = json!({"amount_minor": 1250, "currency": "EUR"});
        assert_eq!(serde_json::to_value(money(1250, "EUR")).unwrap(), written);
        for json in [
            written,
            json!({"amount_minor": 1250, "currency": "EUR", "tax_minor": 200}),
            json!({"amount_cents": 1250, "currency": "EUR"}),
        ] {
            assert_eq!(serde_json::from_value::<Money>(json).unwrap(), money(1250, "EUR"));
        }
    }

    #[test]
    fn the_description_of_a_currency_lists_what_is_accepted() {
        let schema = serde_json::to_value(Currency::schema()).unwrap();
        let codes = schema["enum"].as_array().unwrap();
        assert!(codes.len() > 150 && codes.iter().all(|code| code.as_str().unwrap().parse::<Currency>().is_ok()));
    }
}
