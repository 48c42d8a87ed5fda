//! The orders of who is signed in, the newest first.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::html;
use serde::Deserialize;

use super::fault::Fault;
use super::layout::{Page, Place};
use super::read::{encode, read};
use super::session::Session;
use super::shown_order::ShownOrder;
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// Returns the route of the history.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/orders", get(list))
}

#[derive(Deserialize)]
struct From {
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
    Query(From { cursor }): Query<From>,
) -> Result<Response, Fault> {
    let mut path = format!("/orders?customer_id={}&limit=20", session.identity.customer_id);
    if let Some(cursor) = cursor {
        path += &format!("&cursor={}", encode(&cursor));
    }
    let Orders { items, next } = read(&gateway, Ask::get(Upstream::Order, path).by(&session.identity)).await?;
    let main = html! {
        div.head { h1 { "Your orders" } }
        @if items.is_empty() {
            div.card.stack { p { "You have not ordered anything yet." } div.actions { a.button href="/" { "To the products" } } }
        }
        ul.orders {
            @for order in &items {
                li { a.card href={ "/orders/" (order.id) } {
                    span.what { (order.summary()) }
                    span class={ "status " (order.status.class()) } { (order.status.words()) }
                    time.when datetime=(order.created_at) { (order.created_at.strftime("%Y-%m-%d %H:%M")) }
                    span.price { @if let Some(total) = order.total { (total) } }
                } }
            }
        }
        @if let Some(next) = next {
            p.actions { a.button.plain href={ "/orders?cursor=" (encode(&next)) } { "Older orders" } }
        }
    };
    Ok(Page { title: "Your orders", place: Place::Orders, is_signed_in: true, main }.into_response())
}
