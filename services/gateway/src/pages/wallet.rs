//! The wallet of who is signed in, and, in a demonstration, how money comes into it.

use choreography_axum::Problem;
use contracts::{Currency, Money};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::read::read_or_default;
use super::session::Session;
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// A wallet as wallet shows it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wallet {
    /// One amount for each currency that it ever had.
    pub balances: Vec<Money>,
}

/// A change of a balance, as wallet shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    pub kind: Kind,
    pub amount: Money,
    pub created_at: Timestamp,
}

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Opening,
    Deposit,
    Debit,
    Refund,
}

impl Kind {
    /// Returns what a customer reads.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Opening => "A present of the demonstration",
            Self::Deposit => "Deposit",
            Self::Debit => "Order paid",
            Self::Refund => "Order's money back",
        }
    }
}

impl Wallet {
    /// Returns how much of a currency is in it.
    pub(super) fn balance(&self, currency: Currency) -> Money {
        let balance = self.balances.iter().find(|money| money.currency == currency);
        balance.copied().unwrap_or(Money::new(0, currency))
    }

    /// Returns the wallet of who is signed in; an empty one if there is none yet.
    ///
    /// # Errors
    /// Wallet does not respond.
    pub(super) async fn of(gateway: &Gateway, session: &Session) -> Result<Self, Problem> {
        let path = format!("/wallets/{}", session.identity.customer_id);
        read_or_default(gateway, Ask::get(Upstream::Wallet, path).by(&session.identity)).await
    }
}

#[derive(Default, Deserialize)]
struct Operations {
    items: Vec<Operation>,
}

/// Returns at most so many operations of the wallet of who is signed in, the newest first.
///
/// # Errors
/// Wallet does not respond.
pub(super) async fn operations(gateway: &Gateway, session: &Session, count_max: u8) -> Result<Vec<Operation>, Problem> {
    let path = format!("/wallets/{}/operations?limit={count_max}", session.identity.customer_id);
    let operations = read_or_default(gateway, Ask::get(Upstream::Wallet, path).by(&session.identity)).await;
    operations.map(|Operations { items }| items)
}

/// The fields of [`deposit_form`].
#[derive(Deserialize)]
pub(super) struct Deposit {
    key: Uuid,
    amount_minor: i64,
    currency: String,
}

/// Returns a form that deposits an amount; sent twice, it deposits once.
pub(super) fn deposit_form(gateway: &Gateway, action: &str, amount: Money) -> Markup {
    let key: Uuid = gateway.service.new_id();
    html! {
        form method="post" action=(action) {
            input type="hidden" name="key" value=(key);
            input type="hidden" name="amount_minor" value=(amount.amount_minor);
            input type="hidden" name="currency" value=(amount.currency);
            button type="submit" { "Deposit " (amount) }
        }
    }
}

/// Deposits what a form says.
///
/// # Errors
/// 404 if this is no demonstration, and wallet's own problems.
pub(super) async fn deposit(gateway: &Gateway, session: &Session, form: Deposit) -> Result<(), Problem> {
    if !gateway.demo {
        return Err(Problem::not_found("money comes into a wallet by other ways here"));
    }
    let Deposit { key, amount_minor, currency } = form;
    let body = json!({"amount": {"amount_minor": amount_minor, "currency": currency}});
    let path = format!("/wallets/{}/deposits", session.identity.customer_id);
    let ask = Ask::post(Upstream::Wallet, path).json(&body).key(&key.to_string());
    gateway.upstreams.ask(ask.by(&session.identity)).await.map(|_| ())
}
