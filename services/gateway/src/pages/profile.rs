//! The profile of who is signed in: name, mail address, addresses; and the wallet.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography_axum::{Problem, Query};
use contracts::{Currency, EmailAddress, Money, Name};
use maud::{Markup, html};
use serde::Deserialize;
use tokio::time::timeout;

use super::address_form;
use super::field::{Field, Wrong};
use super::form::Form;
use super::layout::{Page, Place};
use super::moment::moment;
use super::profile_of::{Address, Profile};
use super::session::Session;
use super::wallet::{Deposit, Kind, Operation, Wallet, deposit, deposit_form, operations};
use crate::gateway::Gateway;

/// How many operations of the wallet are shown: the last ones, which somebody may ask about.
const OPERATIONS: u8 = 10;
/// How long the page waits for the wallet, which it can go without.
const WALLET_TIME_MAX: Duration = Duration::from_secs(3);
/// What the demonstration offers to deposit.
const DEPOSIT: Money = Money::new(10_000, Currency::EUR);

/// Returns the routes of the profile.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/profile", get(show).post(save)).route("/profile/deposit", post(add_money))
}

#[derive(Deserialize)]
struct Shown {
    /// Whether the profile was saved just now.
    #[serde(default)]
    saved: bool,
}

async fn show(
    State(gateway): State<Gateway>,
    session: Session,
    Query(Shown { saved }): Query<Shown>,
) -> Result<Response, Problem> {
    let Profile { name, email, addresses } = Profile::of(&gateway, &session.identity).await?;
    let Address { line, zone } = addresses.into_iter().next().unwrap_or_default();
    let written = Saved { name, email: email.unwrap_or_default(), line, zone };
    page(&gateway, &session, &written, &Wrong::default(), saved).await
}

async fn page(
    gateway: &Gateway,
    session: &Session,
    written: &Saved,
    wrong: &Wrong,
    is_saved: bool,
) -> Result<Response, Problem> {
    let main = html! {
        div.head { h1 { "Your profile" } p.lead { "Mails greet you by this name. The address is where orders go by default." } }
        @if is_saved { p.notice.good role="status" { "Your profile is saved." } }
        div.columns { (written.draw(wrong)) (wallet_card(gateway, session).await) }
    };
    let status = if wrong.is_nothing() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Page { title: wrong.title("Profile"), place: Place::Profile, is_signed_in: true, main };
    Ok(page.with_status(status))
}

async fn wallet_card(gateway: &Gateway, session: &Session) -> Markup {
    let asked = async { tokio::try_join!(Wallet::of(gateway, session), operations(gateway, session, OPERATIONS)).ok() };
    let wallet = timeout(WALLET_TIME_MAX, asked).await.ok().flatten();
    html! {
        section.card.stack aria-labelledby="wallet" {
            h2 #wallet { "Your wallet" }
            @match wallet {
                Some((wallet, operations)) => (in_wallet(gateway, &wallet, &operations)),
                None => p.notice.warn { "It can't be shown at the moment. Your money is where it was." },
            }
        }
    }
}

fn in_wallet(gateway: &Gateway, wallet: &Wallet, operations: &[Operation]) -> Markup {
    html! {
        @if wallet.balances.is_empty() { p.hint { "It is empty." } }
        @for balance in &wallet.balances { p.balance { (balance) } }
        @if gateway.demo { (deposit_form(gateway, "/profile/deposit", DEPOSIT)) }
        ul.operations {
            @for Operation { kind, amount, created_at } in operations {
                li {
                    span { (kind.words()) }
                    span.amount { (if *kind == Kind::Debit { "−" } else { "+" }) (amount) }
                    span.hint { (moment(*created_at)) }
                }
            }
        }
    }
}

async fn add_money(
    State(gateway): State<Gateway>,
    session: Session,
    Form(form): Form<Deposit>,
) -> Result<Response, Problem> {
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

impl Saved {
    fn draw(&self, wrong: &Wrong) -> Markup {
        let name =
            Field { name: "name", label: "Name", value: &self.name, autocomplete: Some("name"), ..Field::default() };
        let email = Field {
            name: "email",
            label: "E-mail",
            value: &self.email,
            kind: "email",
            autocomplete: Some("email"),
            is_required: false,
            ..Field::default()
        };
        html! {
            form.card.stack method="post" action="/profile" {
                (name.draw(wrong)) (email.draw(wrong))
                (address_form::fields(&self.line, &self.zone, false, wrong))
                div.actions { button type="submit" { "Save" } }
            }
        }
    }

    /// Returns the profile with the addresses after the first one that are known, or what is wrong.
    fn checked(&self, known: Vec<Address>) -> Result<Profile, Wrong> {
        let mut wrong = Wrong::default();
        let name = wrong.checked::<Name>("name", &self.name);
        let email = Some(self.email.as_str()).filter(|email| !email.trim().is_empty());
        let email = email.and_then(|email| wrong.checked::<EmailAddress>("email", email));
        let has_address = !self.line.trim().is_empty() || !self.zone.trim().is_empty();
        let first = has_address.then(|| address_form::check(&self.line, &self.zone, &mut wrong)).flatten();
        let first = first.map(|(line, zone)| Address { line: line.into(), zone: zone.into() });
        match name {
            Some(name) if wrong.is_nothing() => {
                let addresses = first.into_iter().chain(known.into_iter().skip(1)).collect();
                Ok(Profile { name: name.into(), email: email.map(String::from), addresses })
            }
            _ => Err(wrong),
        }
    }
}

/// Saves the profile. Addresses after the first one stay as they are.
async fn save(State(gateway): State<Gateway>, session: Session, Form(saved): Form<Saved>) -> Result<Response, Problem> {
    let known = Profile::of(&gateway, &session.identity).await?;
    match saved.checked(known.addresses) {
        Ok(profile) => profile.save(&gateway, &session.identity).await?,
        Err(wrong) => return page(&gateway, &session, &saved, &wrong, false).await,
    }
    Ok(Redirect::to("/profile?saved=true").into_response())
}
