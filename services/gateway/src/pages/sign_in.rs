//! Signing in and out. On a laptop one chooses a customer, or becomes a new one.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography_axum::Problem;
use contracts::CustomerId;
use maud::{Markup, html};
use serde::Deserialize;

use super::fault::Fault;
use super::form::Form;
use super::layout::{Page, Place};
use super::profile_of::Profile;
use super::read::read;
use super::session::{forget, keep};
use crate::gateway::Gateway;
use crate::identity::{Identity, Role};
use crate::tokens::SESSION_TIME;
use crate::upstreams::{Ask, Upstream};

/// Returns the routes of signing in and out.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/sign-in", get(choose).post(sign_in))
        .route("/sign-up", post(sign_up))
        .route("/sign-out", post(sign_out))
}

/// Reads customers in the name of nobody in particular: only a laptop shows them.
fn operator(gateway: &Gateway) -> Identity {
    Identity { customer_id: gateway.service.new_id(), role: Role::Operator }
}

#[derive(Deserialize)]
struct Customers {
    items: Vec<Customer>,
}

#[derive(Deserialize)]
struct Customer {
    id: CustomerId,
    #[serde(flatten)]
    profile: Profile,
}

async fn choose(State(gateway): State<Gateway>) -> Result<Response, Fault> {
    if !gateway.tokens.is_development() {
        return at_issuer(&gateway).map_err(Fault::from);
    }
    let ask = Ask::get(Upstream::Customer, "/customers?limit=20").by(&operator(&gateway));
    let Customers { items: customers } = read(&gateway, ask).await?;
    let main = html! {
        div.head {
            h1 { "Who is shopping?" }
            p.lead { "This shop runs on a laptop, with a key that everybody knows: choose a customer, or become one." }
        }
        div.columns {
            section.card.stack aria-labelledby="known" {
                h2 #known { "Customers" }
                @if customers.is_empty() { p.hint { "There are none yet." } }
                ul.people { @for customer in &customers { li { (known(customer)) } } }
            }
            section.card aria-labelledby="new" { (new_customer()) }
        }
    };
    Ok(Page { title: "Sign in", place: Place::Elsewhere, is_signed_in: false, main }.into_response())
}

/// Shows the way to the issuer.
fn at_issuer(gateway: &Gateway) -> Result<Response, Problem> {
    if gateway.issuer.is_none() {
        return Err(Problem::not_found("nobody signs in to the pages of this shop: it has no issuer to sign in at"));
    }
    let main = html! {
        div.head { h1 { "Welcome" } p.lead { "Sign in to order, and to see your orders." } }
        div.actions { a.button href="/sign-in/issuer" { "Sign in" } }
    };
    Ok(Page { title: "Sign in", place: Place::Elsewhere, is_signed_in: false, main }.into_response())
}

fn known(Customer { id, profile }: &Customer) -> Markup {
    let address = profile.addresses.first();
    html! {
        form method="post" action="/sign-in" {
            input type="hidden" name="customer_id" value=(id);
            button.plain.person type="submit" {
                strong { (profile.name) }
                @if let Some(address) = address { span.hint { (address.line) " · " (address.zone) } }
            }
        }
    }
}

fn new_customer() -> Markup {
    html! {
        form.stack method="post" action="/sign-up" {
            h2 #new { "A new customer" }
            div.field { label for="name" { "Name" } input #name name="name" required maxlength="100" autocomplete="name"; }
            div.field { label for="email" { "E-mail" } input #email name="email" type="email" required autocomplete="email"; }
            div.actions { button type="submit" { "Start shopping" } }
        }
    }
}

#[derive(Deserialize)]
struct Chosen {
    customer_id: CustomerId,
}

async fn sign_in(
    State(gateway): State<Gateway>,
    Form(Chosen { customer_id }): Form<Chosen>,
) -> Result<Response, Fault> {
    welcome(&gateway, customer_id)
}

#[derive(Deserialize)]
struct NewCustomer {
    name: String,
    email: String,
}

async fn sign_up(State(gateway): State<Gateway>, Form(new): Form<NewCustomer>) -> Result<Response, Fault> {
    let customer_id: CustomerId = gateway.service.new_id();
    let (name, email) = (new.name.trim().to_owned(), Some(new.email.trim().to_owned()));
    let profile = Profile { name, email, addresses: Vec::new() };
    profile.save(&gateway, &Identity { customer_id, role: Role::Customer }).await?;
    welcome(&gateway, customer_id)
}

/// Signs a customer in, with a token of the development key.
fn welcome(gateway: &Gateway, customer_id: CustomerId) -> Result<Response, Fault> {
    let identity = Identity { customer_id, role: Role::Customer };
    let token = gateway.tokens.issue(identity, gateway.service.now());
    let token = token.map_err(|error| Problem::new(StatusCode::FORBIDDEN, "no-development-key", error.to_string()))?;
    Ok(([keep(&token, SESSION_TIME, false)], Redirect::to("/")).into_response())
}

async fn sign_out(State(gateway): State<Gateway>) -> Response {
    ([forget(!gateway.tokens.is_development())], Redirect::to("/sign-in")).into_response()
}
