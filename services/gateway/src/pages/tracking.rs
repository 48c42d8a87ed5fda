//! The page of one order: where it is, what was said about it, and what its customer can still do.
//!
//! What must hold: the part that moves is the same HTML whether the page is loaded or the script asks for it.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography_axum::Problem;
use contracts::OrderId;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::fault::Fault;
use super::layout::{Page, Place};
use super::read::read;
use super::session::Session;
use super::shown_order::{ShownOrder, Status, because};
use super::way::{draw, way};
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// The messages of an order, which its live story names.
const MESSAGES: &str = "create-order reserve-stock create-payment payment-created debit-wallet wallet-debited \
     debit-refused order-confirmed create-delivery delivery-assigned order-updated customer-notified cancel-order \
     cancel-payment cancel-delivery refund-wallet expire-payment retry-debit";

/// Returns the routes of one order.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/now", get(show_now))
        .route("/orders/{id}/cancel", post(cancel))
}

/// A message of an order's story.
#[derive(Debug, Deserialize)]
struct Told {
    message: String,
    time: Timestamp,
}

async fn show(State(gateway): State<Gateway>, session: Session, Path(id): Path<OrderId>) -> Result<Response, Fault> {
    let (order, story) = find(&gateway, &session, id).await?;
    let is_over = is_over(&order);
    let main = html! {
        div.head {
            h1 { "Your order" }
            p.lead { (order.summary()) " · " span.id { (order.id) } }
        }
        @if !is_over {
            noscript { p.notice { "This page does not move by itself without JavaScript: " a href="" { "look again" } "." } }
        }
        div.stack data-live=[(!is_over).then(|| format!("/orders/{id}/now"))]
            data-events={ "/api/orders/" (id) "/events" } data-messages=(MESSAGES) {
            (now(&order, &story))
        }
    };
    Ok(Page { title: "Your order", place: Place::Orders, is_signed_in: true, main }.into_response())
}

async fn show_now(
    State(gateway): State<Gateway>,
    session: Session,
    Path(id): Path<OrderId>,
) -> Result<Response, Fault> {
    let (order, story) = find(&gateway, &session, id).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(now(&order, &story).into_string())).into_response())
}

async fn find(gateway: &Gateway, session: &Session, id: OrderId) -> Result<(ShownOrder, Vec<Told>), Problem> {
    let order = ShownOrder::find(gateway, session, id).await?;
    if order.status == Status::Accepted {
        return Ok((order, Vec::new())); // order does not know it yet
    }
    let story = read(gateway, Ask::get(Upstream::Order, format!("/orders/{id}/story")).by(&session.identity)).await;
    // The way is drawn from what is known: while the messages can't be read, from the order alone.
    Ok((order, story.unwrap_or_default()))
}

fn is_over(order: &ShownOrder) -> bool {
    let last = match order.status {
        Status::Completed => "completed",
        Status::Cancelled => "cancelled",
        Status::Accepted | Status::Pending | Status::Confirmed => return false,
    };
    order.notified.as_deref() == Some(last)
}

fn now(order: &ShownOrder, story: &[Told]) -> Markup {
    let messages: BTreeSet<&str> = story.iter().map(|told| told.message.as_str()).collect();
    html! {
        section.card.stack aria-labelledby="where" {
            div.actions {
                h2 #where { "Where it is" }
                span role="status" class={ "status " (order.status.class()) } { (order.status.words()) }
            }
            @if let Some(reason) = order.reason { p.notice.bad { (because(reason)) } }
            (draw(&way(order, &messages)))
            (can_do(order, messages.contains("payment-created")))
        }
        div.columns {
            section.card.stack aria-labelledby="happened" {
                h2 #happened { "What happened" }
                @if story.is_empty() { p.hint { "Nothing yet." } }
                ol.story {
                    @for told in story {
                        li class=[told.is_back().then_some("back")] {
                            time datetime=(told.time) { (told.time.strftime("%H:%M:%S")) }
                            span { (told.words()) }
                        }
                    }
                }
            }
            (facts(order))
        }
    }
}

fn facts(order: &ShownOrder) -> Markup {
    html! {
        section.card.stack aria-labelledby="facts" {
            h2 #facts { "The order" }
            dl.facts {
                @for line in &order.lines { dt { (line.sku) } dd { (line.quantity) " pieces" } }
                dt { "To" } dd { (order.address.line) ", zone " (order.address.zone) }
                dt { "Ordered" } dd { time datetime=(order.created_at) { (order.created_at.strftime("%Y-%m-%d %H:%M")) } }
                @if let Some(total) = order.total { dt.sum { "Total" } dd.sum { (total) } }
            }
        }
    }
}

fn can_do(order: &ShownOrder, has_payment: bool) -> Markup {
    let can_cancel = matches!(order.status, Status::Pending | Status::Confirmed);
    html! {
        @if can_cancel {
            div.actions {
                @if order.status == Status::Pending && has_payment {
                    a.button href={ "/orders/" (order.id) "/payment" } { "Pay" }
                }
                form method="post" action={ "/orders/" (order.id) "/cancel" } {
                    button.danger type="submit" { "Cancel the order" }
                }
            }
        }
    }
}

async fn cancel(State(gateway): State<Gateway>, session: Session, Path(id): Path<OrderId>) -> Result<Response, Fault> {
    ShownOrder::find(&gateway, &session, id).await?;
    let ask = Ask::post(Upstream::Order, format!("/orders/{id}/cancel")).by(&session.identity);
    gateway.upstreams.ask(ask.repeatable()).await?;
    Ok(Redirect::to(&format!("/orders/{id}")).into_response())
}

impl Told {
    /// Whether it takes something back.
    fn is_back(&self) -> bool {
        self.message.starts_with("cancel-") || self.message == "refund-wallet"
    }

    /// Returns what happened, for a customer.
    fn words(&self) -> &str {
        match self.message.as_str() {
            "create-order" => "We received your order.",
            "reserve-stock" => "We took it on, and ask for the products.",
            "create-payment" => "The products are reserved for you.",
            "payment-created" => "The payment is open.",
            "debit-wallet" => "We ask your wallet for the money.",
            "wallet-debited" => "Your wallet has paid.",
            "debit-refused" => "Your wallet has refused.",
            "order-confirmed" => "The payment is confirmed.",
            "create-delivery" => "We look for a dealer in your zone.",
            "delivery-assigned" => "A dealer has your order.",
            "order-updated" => "There is news for you.",
            "customer-notified" => "We wrote you a mail.",
            "cancel-delivery" => "The delivery is called off.",
            "cancel-payment" => "The payment is taken back.",
            "refund-wallet" => "The money goes back into your wallet.",
            "cancel-order" => "The order is cancelled, and the products go back on the shelf.",
            "expire-payment" => "The time to pay is over.",
            "retry-debit" => "Your wallet did not respond: we ask again.",
            other => other,
        }
    }
}
