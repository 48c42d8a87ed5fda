//! The page of one order: where it is, what was said about it, and what its customer can still do.
//!
//! What must hold: the part that moves is the same HTML whether the page is loaded or the script asks for it.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use choreography_axum::{Path, Problem, Query};
use contracts::{News, OrderId};
use maud::{Markup, html};
use serde::Deserialize;

use super::change::{Changes, Note};
use super::layout::{Page, Place};
use super::moment::time_of_day;
use super::read::read;
use super::session::Session;
use super::shown_order::{ShownOrder, Status, because};
use super::story::{MESSAGES, Told, has, mailed};
use super::way::{draw, way};
use super::way_back::WayBack;
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// Returns the routes of looking at one order.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/orders/{id}", get(show)).route("/orders/{id}/now", get(show_now))
}

#[derive(Deserialize)]
struct Noted {
    note: Option<Note>,
}

async fn show(
    State(gateway): State<Gateway>,
    session: Session,
    Path(id): Path<OrderId>,
    Query(Noted { note }): Query<Noted>,
) -> Result<Response, Problem> {
    let tracked = Tracked::find(&gateway, &session, id).await?;
    Ok(tracked.page(&Changes::of(&tracked.order), note).with_status(StatusCode::OK))
}

async fn show_now(
    State(gateway): State<Gateway>,
    session: Session,
    Path(id): Path<OrderId>,
) -> Result<Response, Problem> {
    let tracked = Tracked::find(&gateway, &session, id).await?;
    let now = tracked.now(&Changes::of(&tracked.order));
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(now.into_string())).into_response())
}

/// An order, and its messages so far; none while they can't be read.
pub(super) struct Tracked {
    pub(super) order: ShownOrder,
    story: Option<Vec<Told>>,
}

impl Tracked {
    /// Returns an order of who is signed in, with its messages so far.
    ///
    /// # Errors
    /// 404 for an order that does not exist or is somebody else's.
    pub(super) async fn find(gateway: &Gateway, session: &Session, id: OrderId) -> Result<Self, Problem> {
        let order = ShownOrder::find(gateway, session, id).await?;
        if order.status == Status::Accepted {
            return Ok(Self { order, story: Some(Vec::new()) }); // order does not know it yet
        }
        let ask = Ask::get(Upstream::Order, format!("/orders/{id}/story")).by(&session.identity);
        Ok(Self { order, story: read(gateway, ask).await.ok() })
    }

    /// Returns the page, with what was written in its forms.
    pub(super) fn page(&self, changes: &Changes, note: Option<Note>) -> Page<'static> {
        let id = self.order.id;
        let is_live = !self.is_over();
        let main = html! {
            div.head { h1 { "Your order" } p.lead { (self.order.summary()) } }
            @if let Some(note) = note { p class={ "notice " (note.class()) } role="status" { (note.words()) } }
            @if is_live {
                noscript { p.notice { "This page does not move by itself without JavaScript: " a href="" { "look again" } "." } }
                (signals(id))
            }
            div.stack #live data-live=[is_live.then(|| format!("/orders/{id}/now"))]
                data-events={ "/api/orders/" (id) "/events" } data-messages=(MESSAGES) {
                (self.now(changes))
            }
        };
        Page { title: changes.title("Your order"), place: Place::Orders, is_signed_in: true, main }
    }

    fn story(&self) -> &[Told] {
        self.story.as_deref().unwrap_or_default()
    }

    /// Whether the customer was mailed of the order's end; none while that is open.
    fn told(&self) -> Option<bool> {
        let end = match self.order.status {
            Status::Completed => News::Completed,
            Status::Cancelled => News::Cancelled,
            Status::Accepted | Status::Pending | Status::Confirmed => return None,
        };
        if self.order.notified == Some(end) { Some(true) } else { mailed(self.story(), end) }
    }

    fn is_over(&self) -> bool {
        self.told().is_some()
    }

    /// Whether the payment waits for the customer.
    fn can_pay(&self) -> bool {
        let is_open = self.order.payment_id.is_some() || has(self.story(), "payment", "payment-created");
        self.order.status == Status::Pending && is_open && !has(self.story(), "payment", "debit-wallet")
    }

    /// Returns the part that moves.
    fn now(&self, changes: &Changes) -> Markup {
        let Self { order, .. } = self;
        html! {
            section.card.stack #where aria-labelledby="where-title" data-over[self.is_over()] {
                div.title {
                    h2 #where-title tabindex="-1" { "Where it is" }
                    span class={ "status " (order.status.class()) } data-announced { (order.status.words()) }
                }
                @if let Some(reason) = order.reason { p.notice.bad data-announced { (because(reason)) } }
                @if order.is_outdated {
                    p.notice.warn data-announced {
                        "We received your order, and can't see at the moment how far it is. This page goes on as soon as we can."
                    }
                } @else { (draw(&way(order.status, self.story(), self.told()))) }
                (changes.actions(order, self.can_pay()))
            }
            div.columns {
                (self.what_happened())
                section.card.stack #facts aria-labelledby="facts-title" {
                    h2 #facts-title { "The order" }
                    (order.facts())
                    (changes.address_form(order))
                }
            }
        }
    }

    fn what_happened(&self) -> Markup {
        html! {
            section.card.stack #happened aria-labelledby="happened-title" {
                h2 #happened-title { "What happened" }
                @match &self.story {
                    None => p.hint { "This can't be shown at the moment." },
                    Some(story) if story.is_empty() => p.hint { "Nothing yet." },
                    Some(story) => ol.story {
                        @for told in story.iter().filter(|told| told.is_news()) {
                            li class=[told.is_back().then_some("back")] { (time_of_day(told.time)) span { (told.words()) } }
                        }
                    }
                }
            }
        }
    }
}

/// Returns what the script shows and says: it is empty or hidden until then.
fn signals(id: OrderId) -> Markup {
    let next = WayBack::from(format!("/orders/{id}"));
    html! {
        p.unseen #announced role="status" {}
        p.notice.warn #not-connected hidden { "This page has lost its connection, and goes on as soon as that is back." }
        p.notice.warn #signed-out hidden {
            "Your session has ended. " a href=(next.after("/sign-in")) { "Sign in again" } ", and the page goes on."
        }
    }
}
