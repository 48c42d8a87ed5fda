//! Signing in and out. On a laptop one chooses a customer, or becomes a new one.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography_axum::{Problem, Query};
use contracts::{CustomerId, EmailAddress, Name};
use maud::{Markup, html};
use serde::Deserialize;

use super::field::{Field, Wrong};
use super::form::Form;
use super::layout::{Page, Place};
use super::profile_of::Profile;
use super::read::read;
use super::session::{forget, keep};
use super::way_back::WayBack;
use crate::gateway::Gateway;
use crate::identity::{Identity, Role};
use crate::tokens::SESSION_TIME;
use crate::upstreams::{Ask, Upstream};

/// Returns the routes of signing in and out.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/sign-in", get(choose).post(sign_in))
        .route("/sign-up", get(async || Redirect::to("/sign-in")).post(sign_up))
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

/// Where to go afterwards.
#[derive(Default, Deserialize)]
struct Next {
    #[serde(default)]
    next: WayBack,
}

async fn choose(State(gateway): State<Gateway>, Query(Next { next }): Query<Next>) -> Result<Response, Problem> {
    if gateway.tokens.is_development() {
        choice(&gateway, &NewCustomer { next, ..NewCustomer::default() }, &Wrong::default()).await
    } else {
        at_issuer(&gateway, &next)
    }
}

/// Shows the customers of a laptop, and the form of a new one.
async fn choice(gateway: &Gateway, new: &NewCustomer, wrong: &Wrong) -> Result<Response, Problem> {
    let ask = Ask::get(Upstream::Customer, "/customers?limit=20").by(&operator(gateway));
    let Customers { items: customers } = read(gateway, ask).await?;
    let main = html! {
        div.head {
            h1 { "Who is shopping?" }
            p.lead { "This shop runs on a laptop, with a key that everybody knows: choose a customer, or become one." }
        }
        div.columns {
            section.card.stack aria-labelledby="known" {
                h2 #known { "Customers" }
                @if customers.is_empty() { p.hint { "There are none yet." } }
                ul.people { @for customer in &customers { li { (known(customer, &new.next)) } } }
            }
            section.card aria-labelledby="new" { (new.draw(wrong)) }
        }
    };
    let status = if wrong.is_nothing() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Page { title: wrong.title("Sign in"), place: Place::Elsewhere, is_signed_in: false, main };
    Ok(page.with_status(status))
}

/// Shows the way to the issuer.
fn at_issuer(gateway: &Gateway, next: &WayBack) -> Result<Response, Problem> {
    if gateway.issuer.is_none() {
        return Err(no_issuer());
    }
    let main = html! {
        div.head { h1 { "Welcome" } p.lead { "Sign in to order, and to see your orders." } }
        div.actions { a.button href=(next.after("/sign-in/issuer")) { "Sign in" } }
    };
    Ok(Page { title: "Sign in", place: Place::Elsewhere, is_signed_in: false, main }.into_response())
}

/// Makes the 404 of a shop whose pages nobody signs in to.
pub(super) fn no_issuer() -> Problem {
    let detail = "nobody signs in to the pages of this shop: it has no issuer to sign in at";
    Problem::new(StatusCode::NOT_FOUND, "no-issuer", detail)
}

fn known(Customer { id, profile }: &Customer, next: &WayBack) -> Markup {
    let address = profile.addresses.first();
    html! {
        form method="post" action="/sign-in" {
            input type="hidden" name="customer_id" value=(id);
            input type="hidden" name="next" value=(next);
            button.plain.person type="submit" {
                strong { (profile.name) }
                @if let Some(address) = address { span.hint { (address.line) " · " (address.zone) } }
            }
        }
    }
}

#[derive(Deserialize)]
struct Chosen {
    customer_id: CustomerId,
    #[serde(default)]
    next: WayBack,
}

async fn sign_in(
    State(gateway): State<Gateway>,
    Form(Chosen { customer_id, next }): Form<Chosen>,
) -> Result<Response, Problem> {
    welcome(&gateway, customer_id, &next)
}

#[derive(Default, Deserialize)]
struct NewCustomer {
    name: String,
    email: String,
    #[serde(default)]
    next: WayBack,
}

impl NewCustomer {
    fn draw(&self, wrong: &Wrong) -> Markup {
        let name =
            Field { name: "name", label: "Name", value: &self.name, autocomplete: Some("name"), ..Field::default() };
        let (kind, autocomplete) = ("email", Some("email"));
        let email =
            Field { name: "email", label: "E-mail", value: &self.email, kind, autocomplete, ..Field::default() };
        html! {
            form.stack method="post" action="/sign-up" {
                h2 #new { "A new customer" }
                input type="hidden" name="next" value=(self.next);
                (name.draw(wrong)) (email.draw(wrong))
                div.actions { button type="submit" { "Start shopping" } }
            }
        }
    }
}

async fn sign_up(State(gateway): State<Gateway>, Form(new): Form<NewCustomer>) -> Result<Response, Problem> {
    let mut wrong = Wrong::default();
    let (name, email) = (wrong.checked::<Name>("name", &new.name), wrong.checked::<EmailAddress>("email", &new.email));
    let (Some(name), Some(email)) = (name, email) else { return choice(&gateway, &new, &wrong).await };
    let customer_id: CustomerId = gateway.service.new_id();
    let profile = Profile { name: name.into(), email: Some(email.into()), addresses: Vec::new() };
    profile.save(&gateway, &Identity { customer_id, role: Role::Customer }).await?;
    welcome(&gateway, customer_id, &new.next)
}

/// Signs a customer in, with a token of the development key.
fn welcome(gateway: &Gateway, customer_id: CustomerId, next: &WayBack) -> Result<Response, Problem> {
    let identity = Identity { customer_id, role: Role::Customer };
    let token = gateway.tokens.issue(identity, gateway.service.now());
    let token = token.map_err(|error| Problem::new(StatusCode::FORBIDDEN, "no-development-key", error.to_string()))?;
    Ok(([keep(&token, SESSION_TIME, true)?], Redirect::to(&next.to_string())).into_response())
}

async fn sign_out(State(gateway): State<Gateway>) -> Response {
    ([forget(gateway.tokens.is_development())], Redirect::to("/sign-in")).into_response()
}
