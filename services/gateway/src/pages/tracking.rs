//! The page of one order: where it is, what was said about it, and what its customer can still do.
//!
//! What must hold: the part that moves is the same HTML whether the page is loaded or the script asks for it.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography_axum::Problem;
use contracts::OrderId;
use maud::{Markup, html};

use super::fault::Fault;
use super::layout::{Page, Place};
use super::read::read;
use super::session::Session;
use super::shown_order::{ShownOrder, Status, because};
use super::story::{MESSAGES, Told, has};
use super::way::{draw, way};
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// Returns the routes of one order.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/now", get(show_now))
        .route("/orders/{id}/cancel", post(cancel))
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
    html! {
        section.card.stack aria-labelledby="where" {
            div.actions {
                h2 #where { "Where it is" }
                span role="status" class={ "status " (order.status.class()) } { (order.status.words()) }
            }
            @if let Some(reason) = order.reason { p.notice.bad { (because(reason)) } }
            (draw(&way(order.status, story, is_over(order))))
            (can_do(order, can_pay(story)))
        }
        div.columns {
            section.card.stack aria-labelledby="happened" {
                h2 #happened { "What happened" }
                @if story.is_empty() { p.hint { "Nothing yet." } }
                ol.story {
                    @for told in story.iter().filter(|told| told.is_news()) {
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
                @for line in &order.lines { dt { (line.sku) } dd { (line.quantity) @if line.quantity == 1 { " piece" } @else { " pieces" } } }
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
    // Order has to know whose it is: an id that was only accepted here may be another customer's order there.
    gateway.require_opened(&session.identity, id, 1).await?;
    let ask = Ask::post(Upstream::Order, format!("/orders/{id}/cancel")).by(&session.identity);
    gateway.upstreams.ask(ask.repeatable()).await?;
    Ok(Redirect::to(&format!("/orders/{id}")).into_response())
}

/// Whether the payment waits for the customer.
fn can_pay(story: &[Told]) -> bool {
    has(story, "payment", "payment-created") && !has(story, "payment", "debit-wallet")
}
