//! The page on which one pays an order from the wallet, or does not.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography_axum::{Path, Problem};
use contracts::{CustomerId, Money, OrderId};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::change::{attempt, order_page};
use super::form::Form;
use super::layout::{Page, Place};
use super::moment::moment;
use super::read::read;
use super::session::Session;
use super::shown_order::{ShownOrder, Status};
use super::wallet::{Deposit, Wallet, deposit, deposit_form};
use crate::gateway::Gateway;
use crate::orders::no_such_order;
use crate::upstreams::{Ask, Upstream};

/// How often, and at which interval, the page looks for a payment that is not there yet before it is shown without.
const LOOKS: u32 = 10;
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// What the demonstration offers to deposit beyond what is missing, in minor units.
const DEPOSIT_EXTRA: i64 = 10_000;

/// Returns the routes of paying.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/orders/{id}/payment", get(show))
        .route("/orders/{id}/pay", post(pay))
        .route("/orders/{id}/decline", post(decline))
        .route("/orders/{id}/deposit", post(add_money))
}

#[derive(Deserialize)]
struct Payments {
    items: Vec<Payment>,
}

/// A payment as payment shows it.
#[derive(Debug, Clone, Deserialize)]
struct Payment {
    /// Whose it is: an order that was only accepted here may have the id of another customer's order.
    customer_id: Option<CustomerId>,
    status: String,
    amount: Option<Money>,
    deadline: Option<Timestamp>,
}

async fn show(State(gateway): State<Gateway>, session: Session, Path(id): Path<OrderId>) -> Result<Response, Problem> {
    let payment = wait_for_payment(&gateway, &session, id).await;
    let order = ShownOrder::find(&gateway, &session, id).await?;
    match payment {
        Some(Payment { status, amount: Some(amount), deadline, .. }) if status == "pending" => {
            let balance = Wallet::of(&gateway, &session).await.ok().map(|wallet| wallet.balance(amount.currency));
            let due = Due { id, amount, balance, deadline };
            Ok(due.page(&gateway, &order).into_response())
        }
        None if order.status != Status::Cancelled => Ok(not_yet(id)),
        _ => Ok(Redirect::to(&format!("/orders/{id}")).into_response()),
    }
}

/// What is to be paid, and what it is paid from.
struct Due {
    id: OrderId,
    amount: Money,
    /// What is in the wallet; none while it does not respond.
    balance: Option<Money>,
    deadline: Option<Timestamp>,
}

impl Due {
    fn page(&self, gateway: &Gateway, order: &ShownOrder) -> Page<'static> {
        let main = html! {
            div.head { h1 { "Pay your order" } p.lead { (order.summary()) } }
            div.columns {
                section.card.stack aria-labelledby="amount" {
                    h2 #amount { "From your wallet" }
                    (self.amounts())
                    (self.choices(gateway))
                }
                section.card.stack aria-labelledby="facts" { h2 #facts { "The order" } (order.facts()) }
            }
        };
        Page { title: "Payment", place: Place::Orders, is_signed_in: true, main }
    }

    fn amounts(&self) -> Markup {
        html! {
            dl.facts {
                @if let Some(balance) = self.balance { div { dt { "In your wallet" } dd { (balance) } } }
                div.sum { dt { "To pay" } dd { (self.amount) } }
                @if let Some(rest) = self.left_over().filter(|rest| *rest >= 0) {
                    div { dt { "Afterwards" } dd { (Money::new(rest, self.amount.currency)) } }
                }
            }
        }
    }

    /// Returns what is left of the balance in minor units, less than nothing if it does not suffice.
    fn left_over(&self) -> Option<i64> {
        // The shop's services bound both, but nothing here depends on it.
        self.balance.map(|balance| balance.amount_minor.saturating_sub(self.amount.amount_minor))
    }

    fn choices(&self, gateway: &Gateway) -> Markup {
        let currency = self.amount.currency;
        let missing = self.left_over().filter(|rest| *rest < 0).map(i64::saturating_neg);
        let action = |verb: &str| format!("/orders/{}/{verb}", self.id);
        html! {
            @if let Some(missing) = missing {
                p.notice.warn role="status" { "There is not enough money in your wallet: " (Money::new(missing, currency)) " are missing." }
            }
            @if self.balance.is_none() {
                p.notice.warn { "Your balance can't be shown at the moment. You can pay all the same: we ask your wallet until it answers." }
            }
            div.actions {
                @match missing {
                    None => form method="post" action=(action("pay")) { button type="submit" { "Pay " (self.amount) } },
                    Some(missing) if gateway.demo => (deposit_form(gateway, &action("deposit"), Money::new(missing.saturating_add(DEPOSIT_EXTRA), currency))),
                    Some(_) => {},
                }
                form method="post" action=(action("decline")) { button.plain type="submit" { "Don't pay, and cancel" } }
            }
            @if let Some(deadline) = self.deadline {
                p.hint { "Your products are reserved until " (moment(deadline)) ". Without a payment the order is cancelled then." }
            }
        }
    }
}

/// Returns the page of an order that waits for its payment; browsers load it again by themselves.
fn not_yet(id: OrderId) -> Response {
    let main = html! {
        div.head { h1 { "One moment" } p.lead { "Your order is received. Its payment opens as soon as the products are reserved; this page looks again by itself." } }
        div.actions {
            a.button href={ "/orders/" (id) "/payment" } { "Look again" }
            a href={ "/orders/" (id) } { "To the order" }
        }
    };
    let page = Page { title: "Payment", place: Place::Orders, is_signed_in: true, main };
    ([("refresh", "2")], page).into_response()
}

/// Returns the payment of who is signed in; none if it is not there for a while, or payment does not respond.
async fn wait_for_payment(gateway: &Gateway, session: &Session, id: OrderId) -> Option<Payment> {
    for look in 0..LOOKS {
        if let Some(payment) = find_payment(gateway, session, id).await.ok()? {
            return Some(payment);
        }
        if look + 1 < LOOKS {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
    None
}

async fn find_payment(gateway: &Gateway, session: &Session, id: OrderId) -> Result<Option<Payment>, Problem> {
    let ask = Ask::get(Upstream::Payment, format!("/payments?order_id={id}")).by(&session.identity);
    let Payments { items } = read(gateway, ask).await?;
    Ok(items.into_iter().find(|payment| payment.customer_id == Some(session.identity.customer_id)))
}

async fn pay(State(gateway): State<Gateway>, session: Session, Path(id): Path<OrderId>) -> Result<Response, Problem> {
    ask_payment(&gateway, &session, id, "confirm").await
}

async fn decline(
    State(gateway): State<Gateway>,
    session: Session,
    Path(id): Path<OrderId>,
) -> Result<Response, Problem> {
    ask_payment(&gateway, &session, id, "cancel").await
}

async fn ask_payment(gateway: &Gateway, session: &Session, id: OrderId, verb: &str) -> Result<Response, Problem> {
    // The payment itself says whose it is: order need not respond.
    find_payment(gateway, session, id).await?.ok_or_else(|| no_such_order(id))?;
    let ask = Ask::post(Upstream::Payment, format!("/payments/{verb}")).json(&json!({"order_id": id}));
    // Confirming and cancelling twice is as once.
    attempt(gateway, session, ask).await.map(|is_changed| order_page(id, is_changed))
}

async fn add_money(
    State(gateway): State<Gateway>,
    session: Session,
    Path(id): Path<OrderId>,
    Form(form): Form<Deposit>,
) -> Result<Response, Problem> {
    deposit(&gateway, &session, form).await?;
    Ok(Redirect::to(&format!("/orders/{id}/payment")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::Currency;

    #[test]
    fn what_is_left_is_known_for_every_balance() {
        let left = |balance: Option<i64>, amount| {
            let euros = |amount_minor| Money::new(amount_minor, Currency::EUR);
            let id = uuid::Uuid::from_u128(1).into();
            Due { id, amount: euros(amount), balance: balance.map(euros), deadline: None }.left_over()
        };
        assert_eq!((left(Some(500), 200), left(Some(500), 501), left(None, 1)), (Some(300), Some(-1), None));
        assert_eq!((left(Some(i64::MIN), i64::MAX), left(Some(i64::MAX), i64::MIN)), (Some(i64::MIN), Some(i64::MAX)));
    }
}
