//! The profile of who is signed in: name, mail address, addresses; and the wallet.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use contracts::{Currency, Money};
use maud::{Markup, html};
use serde::Deserialize;

use super::fault::Fault;
use super::form::Form;
use super::layout::{Page, Place};
use super::profile_of::{Address, Profile};
use super::session::Session;
use super::wallet::{Deposit, Kind, Operation, Wallet, deposit, deposit_form, operations};
use crate::gateway::Gateway;

/// How many operations of the wallet are shown: the last ones, which somebody may ask about.
const OPERATIONS: u8 = 10;
/// What the demonstration offers to deposit.
const DEPOSIT: Money = Money::new(10_000, Currency::EUR);

/// Returns the routes of the profile.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/profile", get(show).post(save)).route("/profile/deposit", post(add_money))
}

async fn show(State(gateway): State<Gateway>, session: Session) -> Result<Response, Fault> {
    let profile = Profile::of(&gateway, &session.identity).await?;
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
    let known = Profile::of(&gateway, &session.identity).await?;
    let (line, zone, email) = (saved.line.trim(), saved.zone.trim(), saved.email.trim());
    let first =
        (!line.is_empty() || !zone.is_empty()).then(|| Address { zone: zone.to_owned(), line: line.to_owned() });
    let addresses = first.into_iter().chain(known.addresses.into_iter().skip(1)).collect();
    let email = (!email.is_empty()).then(|| email.to_owned());
    Profile { name: saved.name.trim().to_owned(), email, addresses }.save(&gateway, &session.identity).await?;
    Ok(Redirect::to("/profile").into_response())
}
