//! What the shop sells, and what is left of it.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use choreography_axum::Problem;
use contracts::Money;
use maud::{Markup, html};
use serde::Deserialize;

use super::icons;
use super::layout::{Page, Place};
use super::read::read;
use super::session::Session;
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// From how many pieces on a product is plentiful, so that nobody has to count.
const PLENTY: u64 = 10;
/// From how many pieces on they are not counted.
const MANY: u64 = 1_001;

/// A product as inventory shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Product {
    pub sku: String,
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    pub price: Money,
    pub available: u64,
}

#[derive(Deserialize)]
struct Catalogue {
    items: Vec<Product>,
}

/// Returns the routes of the products.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/", get(list))
}

/// Returns the products of the catalogue: its first hundred.
///
/// # Errors
/// Inventory does not respond.
pub(super) async fn catalogue(gateway: &Gateway, session: &Session) -> Result<Vec<Product>, Problem> {
    let ask = Ask::get(Upstream::Inventory, "/products?limit=100").by(&session.identity);
    read(gateway, ask).await.map(|Catalogue { items }| items)
}

async fn list(State(gateway): State<Gateway>, session: Session) -> Result<Response, Problem> {
    let items = catalogue(&gateway, &session).await?;
    let main = html! {
        div.head {
            h1 { "Good things, brought to your door" }
            p.lead { "Order, pay from your wallet, and watch your order on its way." }
        }
        @if items.is_empty() { p.notice { "The shelves are empty at the moment. Come back soon." } }
        ul.products { @for product in &items { (card(product)) } }
    };
    Ok(Page { title: "Products", place: Place::Products, is_signed_in: true, main }.into_response())
}

fn card(product: &Product) -> Markup {
    let Product { sku, name, price, available, .. } = product;
    html! {
        li.card.product {
            div.picture { (icons::product(sku)) }
            div.about {
                h2 { (name) }
                @if let Some(description) = &product.description { p { (description) } }
                (left(*available))
            }
            div.buy {
                span.price { (price) }
                @if *available > 0 {
                    a.button href={ "/order?sku=" (sku) } { "Order" span.unseen { " " (name) } }
                }
            }
        }
    }
}

/// Says how many pieces are left.
pub(super) fn left(available: u64) -> Markup {
    match available {
        0 => html! { p.left.none { "Sold out" } },
        1..PLENTY => html! { p.left.few { "Only " (available) " left" } },
        PLENTY..MANY => html! { p.left { (available) " left" } },
        MANY.. => html! { p.left { "More than 1,000 left" } },
    }
}
