//! The page on which one orders a product.
//!
//! What must hold: an order that is not accepted is still in the form, so that it is sent again with one press.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography::Request;
use choreography_axum::{Problem, Query};
use maud::{Markup, html};
use serde::Deserialize;

use super::field::Wrong;
use super::form::Form;
use super::icons;
use super::layout::{Page, Place};
use super::order_form::Draft;
use super::products::{Product, left};
use super::profile_of::Profile;
use super::read::{encode, read};
use super::session::{Session, sign_in_first};
use super::way_back::WayBack;
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// Returns the routes of ordering.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/order", get(show)).route("/orders", post(place))
}

/// What is ordered, and what was written about it before signing in.
#[derive(Deserialize)]
struct Wanted {
    sku: String,
    #[serde(default = "one")]
    quantity: String,
    #[serde(default)]
    confirmation: String,
}

fn one() -> String {
    "1".to_owned()
}

async fn show(
    State(gateway): State<Gateway>,
    session: Session,
    Query(Wanted { sku, quantity, confirmation }): Query<Wanted>,
) -> Result<Response, Problem> {
    let (order_id, [address, line, zone]) = (gateway.service.new_id(), Default::default());
    let draft = Draft { order_id, sku, quantity, address, line, zone, confirmation };
    page(&gateway, &session, &draft, Unplaced::default()).await
}

/// Why an order in the form is not placed.
#[derive(Default)]
struct Unplaced {
    status: StatusCode,
    wrong: Wrong,
    notice: Option<Markup>,
}

async fn page(gateway: &Gateway, session: &Session, draft: &Draft, unplaced: Unplaced) -> Result<Response, Problem> {
    let Unplaced { status, wrong, notice } = unplaced;
    let product = format!("/products/{}", encode(&draft.sku));
    let product: Product = read(gateway, Ask::get(Upstream::Inventory, product).by(&session.identity)).await?;
    // An order does not wait for customer: whoever's addresses can't be read writes one.
    let profile = Profile::of(gateway, &session.identity).await.unwrap_or_default();
    let main = html! {
        div.head { h1 { "Order " (product.name) } }
        @if let Some(notice) = notice { div.notice.warn role="alert" { (notice) } }
        div.columns {
            @if product.available == 0 { (sold_out()) } @else { (draft.draw(&product, &profile.addresses, &wrong)) }
            (what_is_ordered(&product))
        }
    };
    Ok(Page { title: wrong.title("Order"), place: Place::Products, is_signed_in: true, main }.with_status(status))
}

fn sold_out() -> Markup {
    html! {
        section.card.stack {
            h2 { "Sold out" }
            p { "There is nothing left of it at the moment. Come back soon." }
            div.actions { a.button href="/" { "To the products" } }
        }
    }
}

fn what_is_ordered(product: &Product) -> Markup {
    html! {
        aside.card.product aria-label="What you order" {
            div.picture { (icons::product(&product.sku)) }
            div.about {
                h2 { (product.name) }
                @if let Some(description) = &product.description { p { (description) } }
                (left(product.available))
            }
            div.buy { span.price { (product.price) } span.hint { "a piece" } }
        }
    }
}

async fn place(
    State(gateway): State<Gateway>,
    session: Result<Session, Response>,
    Form(draft): Form<Draft>,
) -> Result<Response, Problem> {
    let Ok(session) = session else { return Ok(sign_in_first(&back_to(&draft))) };
    let new = match draft.check()? {
        Ok(new) => new,
        Err(wrong) => {
            let unplaced = Unplaced { status: StatusCode::UNPROCESSABLE_ENTITY, wrong, notice: None };
            return page(&gateway, &session, &draft, unplaced).await;
        }
    };
    match gateway.accept(&session.identity, draft.order_id, new, Request::default()).await {
        Ok(_) if !draft.is_automatic() => {
            Ok(Redirect::to(&format!("/orders/{}/payment", draft.order_id)).into_response())
        }
        Ok(_) => Ok(Redirect::to(&format!("/orders/{}", draft.order_id)).into_response()),
        Err(problem) => refused(&gateway, &session, draft, problem).await,
    }
}

/// Returns the page of the form again, as far as sending it again helps.
async fn refused(
    gateway: &Gateway,
    session: &Session,
    mut draft: Draft,
    problem: Problem,
) -> Result<Response, Problem> {
    let notice = match problem.status {
        409 => {
            let placed = format!("/orders/{}", draft.order_id);
            draft.order_id = gateway.service.new_id();
            html! { p { "This form placed an order before: " a href=(placed) { "look at it" } ". To order once more, press again." } }
        }
        503 => html! { p { "Your order is not placed: the shop takes none just now. Press again in a moment." } },
        _ => return Err(problem),
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or_default();
    let retry_after = problem.into_response().headers().get(header::RETRY_AFTER).cloned();
    let mut response =
        page(gateway, session, &draft, Unplaced { status, notice: Some(notice), ..Unplaced::default() }).await?;
    response.headers_mut().extend(retry_after.map(|seconds| (header::RETRY_AFTER, seconds)));
    Ok(response)
}

/// Returns the page with the form, for after signing in. Addresses are in no address of a page, which logs keep.
fn back_to(Draft { sku, quantity, confirmation, .. }: &Draft) -> WayBack {
    let [sku, quantity, confirmation] = [sku, quantity, confirmation].map(|text| encode(text));
    format!("/order?sku={sku}&quantity={quantity}&confirmation={confirmation}").into()
}
