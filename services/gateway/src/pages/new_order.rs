//! The page on which one orders a product.
//!
//! What must hold: the form carries the order's id, so that a form that is sent twice is one order.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography::Request;
use choreography_axum::Problem;
use contracts::OrderId;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::form::Form;
use super::icons;
use super::layout::{Page, Place};
use super::products::{Product, left};
use super::profile_of::{Address, Profile};
use super::read::{encode, read};
use super::session::Session;
use crate::gateway::Gateway;
use crate::orders::NewOrder;
use crate::upstreams::{Ask, Upstream};

/// Returns the routes of ordering.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/order", get(show)).route("/orders", post(place))
}

#[derive(Deserialize)]
struct Wanted {
    sku: String,
}

async fn show(
    State(gateway): State<Gateway>,
    session: Session,
    Query(Wanted { sku }): Query<Wanted>,
) -> Result<Response, Fault> {
    let product = format!("/products/{}", encode(&sku));
    let product: Product = read(&gateway, Ask::get(Upstream::Inventory, product).by(&session.identity)).await?;
    let profile = Profile::of(&gateway, &session.identity).await?;
    let order_id: OrderId = gateway.service.new_id();
    let main = html! {
        div.head { h1 { "Order " (product.name) } }
        div.columns {
            form.card.stack method="post" action="/orders" {
                input type="hidden" name="order_id" value=(order_id);
                input type="hidden" name="sku" value=(product.sku);
                div.field {
                    label for="quantity" { "How many" }
                    input #quantity name="quantity" type="number" min="1" max="10000" value="1" required inputmode="numeric";
                }
                (addresses(&profile.addresses))
                (confirmation())
                div.actions {
                    button type="submit" { "Place the order" }
                    a href="/" { "Back to the products" }
                }
            }
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
    };
    Ok(Page { title: "Order", place: Place::Products, is_signed_in: true, main }.into_response())
}

fn addresses(known: &[Address]) -> Markup {
    html! {
        fieldset {
            legend { "Where it goes" }
            @for (index, address) in known.iter().enumerate() {
                label.choice {
                    input type="radio" name="address" value=(index) checked[index == 0];
                    span { (address.line) br; span.hint { "Zone " (address.zone) } }
                }
            }
            @if !known.is_empty() {
                label.choice { input type="radio" name="address" value="new"; span { "Another address" } }
            } @else { input type="hidden" name="address" value="new"; }
            div.pair {
                div.field {
                    label for="line" { "Street and number" }
                    input #line name="line" autocomplete="street-address" maxlength="200" required[known.is_empty()];
                }
                div.field {
                    label for="zone" { "Zone" }
                    input #zone name="zone" maxlength="64" list="zones" required[known.is_empty()];
                    datalist #zones { option value="north"; option value="south"; }
                }
            }
        }
    }
}

fn confirmation() -> Markup {
    html! {
        fieldset {
            legend { "How you pay" }
            label.choice {
                input type="radio" name="confirmation" value="manual" checked;
                span { "Look at the amount first" br; span.hint { "The order waits until you have paid." } }
            }
            label.choice {
                input type="radio" name="confirmation" value="automatic";
                span { "At once, from the wallet" }
            }
        }
    }
}

#[derive(Deserialize)]
struct Placed {
    order_id: OrderId,
    sku: String,
    quantity: String,
    address: String,
    #[serde(default)]
    line: String,
    #[serde(default)]
    zone: String,
    confirmation: String,
}

async fn place(
    State(gateway): State<Gateway>,
    session: Session,
    Form(placed): Form<Placed>,
) -> Result<Response, Fault> {
    let (order_id, is_manual) = (placed.order_id, placed.confirmation == "manual");
    let address = match placed.address.parse::<usize>() {
        Ok(index) => known_address(&gateway, &session, index).await?,
        Err(_) => Address { zone: placed.zone.trim().to_owned(), line: placed.line.trim().to_owned() },
    };
    let new = json!({
        "lines": [{"sku": placed.sku, "quantity": placed.quantity.trim().parse::<u32>().unwrap_or(0)}],
        "address": {"zone": address.zone, "line": address.line},
        "confirmation": placed.confirmation,
    });
    let new: NewOrder =
        serde_json::from_value(new).map_err(|error| Problem::bad_request("order-unreadable", error.to_string()))?;
    gateway.accept(&session.identity, order_id, new, Request::default()).await?;
    let next = if is_manual { format!("/orders/{order_id}/payment") } else { format!("/orders/{order_id}") };
    Ok(Redirect::to(&next).into_response())
}

async fn known_address(gateway: &Gateway, session: &Session, index: usize) -> Result<Address, Problem> {
    let profile = Profile::of(gateway, &session.identity).await?;
    let gone = || Problem::bad_request("address-gone", "this address is not in your profile any more: choose again");
    profile.addresses.into_iter().nth(index).ok_or_else(gone)
}
