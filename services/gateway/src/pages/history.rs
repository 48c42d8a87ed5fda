//! The orders of who is signed in, the newest first.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use choreography_axum::{Problem, Query};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, Place};
use super::moment::moment;
use super::read::{encode, read};
use super::session::Session;
use super::shown_order::{ShownOrder, Status};
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// How many orders are on a page.
const PAGE: u8 = 20;

/// Returns the route of the history.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/orders", get(list))
}

/// What is looked for.
#[derive(Deserialize)]
struct Wanted {
    status: Option<Status>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Orders {
    items: Vec<ShownOrder>,
    next: Option<String>,
}

async fn list(
    State(gateway): State<Gateway>,
    session: Session,
    Query(Wanted { status, cursor }): Query<Wanted>,
) -> Result<Response, Problem> {
    let mut path = format!("/orders?customer_id={}&limit={PAGE}", session.identity.customer_id);
    if let Some(status) = status {
        path += &format!("&status={}", status.name());
    }
    if let Some(cursor) = &cursor {
        path += &format!("&cursor={}", encode(cursor));
    }
    let orders = read(&gateway, Ask::get(Upstream::Order, path).by(&session.identity));
    let (orders, names) = tokio::join!(orders, gateway.product_names.get(&gateway, &session));
    let Orders { items, next } = orders?;
    let items: Vec<_> = items.into_iter().map(|order| order.named(&names)).collect();
    let main = html! {
        div.head { h1 { "Your orders" } }
        (filters(status))
        @if items.is_empty() { (nothing(status, cursor.is_some())) }
        ul.orders { @for order in &items { li { (in_list(order)) } } }
        div.actions {
            @if cursor.is_some() { a.button.plain href=(address(status)) { "Newest orders" } }
            @if let Some(next) = next {
                a.button.plain href={ (address(status)) (if status.is_some() { "&" } else { "?" }) "cursor=" (encode(&next)) } { "Older orders" }
            }
        }
    };
    Ok(Page { title: "Your orders", place: Place::Orders, is_signed_in: true, main }.into_response())
}

/// Returns the address of the newest orders in a state, or in any.
fn address(status: Option<Status>) -> String {
    status.map_or_else(|| "/orders".to_owned(), |status| format!("/orders?status={}", status.name()))
}

fn filters(current: Option<Status>) -> Markup {
    let all = [Status::Pending, Status::Confirmed, Status::Completed, Status::Cancelled].map(Some);
    html! {
        nav.filters aria-label="Which orders" { ul {
            @for status in [None].into_iter().chain(all) {
                li {
                    a href=(address(status)) aria-current=[(status == current).then_some("true")] {
                        (status.map_or("All", Status::words))
                    }
                }
            }
        } }
    }
}

fn nothing(status: Option<Status>, is_later_page: bool) -> Markup {
    let words = match (status, is_later_page) {
        (_, true) => "There are no older orders.",
        (Some(_), false) => "None of your orders is like this.",
        (None, false) => "You have not ordered anything yet.",
    };
    html! { div.card.stack { p { (words) } div.actions { a.button href="/" { "To the products" } } } }
}

fn in_list(order: &ShownOrder) -> Markup {
    html! {
        a.card href={ "/orders/" (order.id) } {
            span { span.what { (order.summary()) } span.price { @if let Some(total) = order.total { (total) } } }
            span {
                span.when { (moment(order.created_at)) }
                span class={ "status " (order.status.class()) } { (order.status.words()) }
            }
        }
    }
}
