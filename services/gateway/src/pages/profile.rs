//! The profile of who is signed in: name, mail address, addresses; and the wallet.

use axum::Router;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use contracts::{Currency, Money};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::form::Form;
use super::layout::{Page, Place};
use super::profile_of::{Profile, profile_of};
use super::session::Session;
use super::wallet::{Deposit, Kind, Operation, Wallet, deposit, deposit_form, operations};
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// How many operations of the wallet are shown: the last ones, which somebody may ask about.
const OPERATIONS: u8 = 10;
/// What the demonstration offers to deposit.
const DEPOSIT: Money = Money::new(10_000, Currency::EUR);

/// Returns the routes of the profile.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/profile", get(show).post(save)).route("/profile/deposit", post(add_money))
}

async fn show(State(gateway): State<Gateway>, session: Session) -> Result<Response, Fault> {
    let profile = profile_of(&gateway, &session.identity).await?;
    let wallet = Wallet::of(&gateway, &session).await?;
    let operations = operations(&gateway, &session, OPERATIONS).await?;
    let main = html! {
        div.head { h1 { "Your profile" } p.lead { "Mails greet you by this name. The address is where orders go by default." } }
        div.columns { (profile_form(&profile)) (wallet_card(&gateway, &wallet, &operations)) }
    };
    Ok(Page { title: "Profile", place: Place::Profile, is_signed_in: true, main }.into_response())
}

fn profile_form(profile: &Profile) -> Markup {
    let first = profile.addresses.first();
    html! {
        form.card.stack method="post" action="/profile" {
            div.field { label for="name" { "Name" } input #name name="name" value=(profile.name) required maxlength="100" autocomplete="name"; }
            div.field {
                label for="email" { "E-mail" }
                input #email name="email" type="email" value=[profile.email.as_deref()] autocomplete="email";
            }
            div.field {
                label for="line" { "Street and number" }
                input #line name="line" value=[first.map(|address| &address.line)] maxlength="200" autocomplete="street-address";
            }
            div.field {
                label for="zone" { "Zone" }
                input #zone name="zone" value=[first.map(|address| &address.zone)] maxlength="64";
            }
            div.actions { button type="submit" { "Save" } }
        }
    }
}

fn wallet_card(gateway: &Gateway, wallet: &Wallet, operations: &[Operation]) -> Markup {
    html! {
        section.card.stack aria-labelledby="wallet" {
            h2 #wallet { "Your wallet" }
            @if wallet.balances.is_empty() { p.hint { "It is empty." } }
            @for balance in &wallet.balances { p.price { (balance) } }
            @if gateway.demo { (deposit_form(gateway, "/profile/deposit", DEPOSIT)) }
            ul.operations {
                @for Operation { kind, amount, created_at } in operations {
                    li {
                        span { (kind.words()) }
                        span.amount { (if *kind == Kind::Debit { "−" } else { "+" }) (amount) }
                        time.hint datetime=(created_at) { (created_at.strftime("%Y-%m-%d %H:%M")) }
                    }
                }
            }
        }
    }
}

async fn add_money(
    State(gateway): State<Gateway>,
    session: Session,
    Form(form): Form<Deposit>,
) -> Result<Response, Fault> {
    deposit(&gateway, &session, form).await?;
    Ok(Redirect::to("/profile").into_response())
}

#[derive(Deserialize)]
struct Saved {
    name: String,
    email: String,
    line: String,
    zone: String,
}

/// Saves the profile. Addresses after the first one stay as they are.
async fn save(State(gateway): State<Gateway>, session: Session, Form(saved): Form<Saved>) -> Result<Response, Fault> {
    let known = profile_of(&gateway, &session.identity).await?;
    let (line, zone, email) = (saved.line.trim(), saved.zone.trim(), saved.email.trim());
    let first = (!line.is_empty() || !zone.is_empty()).then(|| json!({"zone": zone, "line": line}));
    let others = known.addresses.iter().skip(1).map(|address| json!({"zone": address.zone, "line": address.line}));
    let addresses: Vec<_> = first.into_iter().chain(others).collect();
    let email = (!email.is_empty()).then_some(email);
    let profile = json!({"name": saved.name.trim(), "email": email, "addresses": addresses});
    let path = format!("/customers/{}", session.identity.customer_id);
    let ask = Ask::new(Upstream::Customer, Method::PUT, path).json(&profile).by(&session.identity);
    gateway.upstreams.ask(ask).await?;
    Ok(Redirect::to("/profile").into_response())
}
