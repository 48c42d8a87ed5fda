//! The page on which one pays an order from the wallet, or does not.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography_axum::Problem;
use contracts::{CustomerId, Money, OrderId};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::form::Form;
use super::layout::{Page, Place};
use super::read::read;
use super::session::Session;
use super::shown_order::{ShownOrder, Status};
use super::wallet::{Deposit, Wallet, deposit, deposit_form};
use crate::gateway::Gateway;
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
}

async fn show(State(gateway): State<Gateway>, session: Session, Path(id): Path<OrderId>) -> Result<Response, Fault> {
    let order = ShownOrder::find(&gateway, &session, id).await?;
    let payment = wait_for_payment(&gateway, &session, id).await?;
    let Some((payment, amount)) = payment.and_then(|payment| Some((payment.clone(), payment.amount?))) else {
        if order.status == Status::Cancelled {
            return Ok(Redirect::to(&format!("/orders/{id}")).into_response());
        }
        return Ok(not_yet(id));
    };
    if payment.status != "pending" {
        return Ok(Redirect::to(&format!("/orders/{id}")).into_response());
    }
    let balance = Wallet::of(&gateway, &session).await?.balance(amount.currency);
    let main = html! {
        div.head { h1 { "Pay your order" } p.lead { (order.summary()) } }
        section.card.stack.narrow aria-labelledby="amount" {
            h2 #amount { "From your wallet" }
            (amounts(balance, amount))
            (choices(&gateway, id, balance, amount))
        }
    };
    Ok(Page { title: "Payment", place: Place::Orders, is_signed_in: true, main }.into_response())
}

fn amounts(balance: Money, amount: Money) -> Markup {
    html! {
        dl.facts {
            dt { "In your wallet" } dd { (balance) }
            dt { "To pay" } dd.sum { (amount) }
            @if let Some(rest) = left_over(balance, amount) { dt { "Afterwards" } dd { (rest) } }
        }
    }
}

/// Returns what is left of a balance; none if it does not suffice.
fn left_over(balance: Money, amount: Money) -> Option<Money> {
    let rest = balance.amount_minor - amount.amount_minor;
    (rest >= 0).then(|| Money::new(rest, amount.currency))
}

fn choices(gateway: &Gateway, id: OrderId, balance: Money, amount: Money) -> Markup {
    let missing = amount.amount_minor - balance.amount_minor;
    let action = |verb: &str| format!("/orders/{id}/{verb}");
    html! {
        @if missing > 0 {
            p.notice.warn role="status" { "There is not enough money in your wallet: " (Money::new(missing, amount.currency)) " are missing." }
        }
        div.actions {
            @if missing <= 0 {
                form method="post" action=(action("pay")) { button type="submit" { "Pay " (amount) } }
            } @else if gateway.demo {
                (deposit_form(gateway, &action("deposit"), Money::new(missing + DEPOSIT_EXTRA, amount.currency)))
            }
            form method="post" action=(action("decline")) { button.plain type="submit" { "Don't pay, and cancel" } }
        }
    }
}

/// Returns the page of an order that waits for its payment; browsers load it again by themselves.
fn not_yet(id: OrderId) -> Response {
    let main = html! {
        div.head { h1 { "One moment" } p.lead { "Your order is received. Its payment opens as soon as the products are reserved." } }
        div.actions {
            a.button href={ "/orders/" (id) "/payment" } { "Look again" }
            a href={ "/orders/" (id) } { "To the order" }
        }
    };
    let page = Page { title: "Payment", place: Place::Orders, is_signed_in: true, main };
    ([("refresh", "2")], page).into_response()
}

async fn wait_for_payment(gateway: &Gateway, session: &Session, id: OrderId) -> Result<Option<Payment>, Problem> {
    for look in 0..LOOKS {
        let ask = Ask::get(Upstream::Payment, format!("/payments?order_id={id}")).by(&session.identity);
        let Payments { items } = read(gateway, ask).await?;
        let own = |payment: &Payment| payment.customer_id == Some(session.identity.customer_id);
        if let Some(payment) = items.into_iter().find(own) {
            return Ok(Some(payment));
        }
        if look + 1 < LOOKS {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
    Ok(None)
}

async fn pay(State(gateway): State<Gateway>, session: Session, Path(id): Path<OrderId>) -> Result<Response, Fault> {
    ask_payment(&gateway, &session, id, "confirm").await
}

async fn decline(State(gateway): State<Gateway>, session: Session, Path(id): Path<OrderId>) -> Result<Response, Fault> {
    ask_payment(&gateway, &session, id, "cancel").await
}

async fn ask_payment(gateway: &Gateway, session: &Session, id: OrderId, verb: &str) -> Result<Response, Fault> {
    // Order has to know whose it is: an id that was only accepted here may be another customer's order there.
    gateway.require_opened(&session.identity, id, 1).await?;
    let ask = Ask::post(Upstream::Payment, format!("/payments/{verb}")).json(&json!({"order_id": id}));
    // Confirming and cancelling twice is as once.
    gateway.upstreams.ask(ask.by(&session.identity).repeatable()).await?;
    Ok(Redirect::to(&format!("/orders/{id}")).into_response())
}

async fn add_money(
    State(gateway): State<Gateway>,
    session: Session,
    Path(id): Path<OrderId>,
    Form(form): Form<Deposit>,
) -> Result<Response, Fault> {
    deposit(&gateway, &session, form).await?;
    Ok(Redirect::to(&format!("/orders/{id}/payment")).into_response())
}
