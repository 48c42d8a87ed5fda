//! What the customer of an order can still change: its address, and whether it is carried out at all.
//!
//! What must hold: what is too late is told kindly, with the order as it is now.

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use choreography_axum::{Path, Problem};
use contracts::OrderId;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::address_form;
use super::field::Wrong;
use super::form::Form;
use super::session::Session;
use super::shown_order::{ShownOrder, Status};
use super::tracking::Tracked;
use crate::gateway::Gateway;
use crate::upstreams::{Ask, Upstream};

/// Returns the routes of changing one order.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/orders/{id}/address", get(to_order).post(move_to)).route("/orders/{id}/cancel", post(cancel))
}

/// What the page of an order says once, after something was done.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Note {
    Moved,
    TooLate,
}

impl Note {
    /// Returns what a customer reads.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Moved => "Your order goes to the new address.",
            Self::TooLate => "That was too late: your order has gone on meanwhile. This is how far it is.",
        }
    }

    /// Returns the class of the notice.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Moved => "good",
            Self::TooLate => "warn",
        }
    }

    /// Returns the page of an order that says it.
    pub(super) fn about(self, id: OrderId) -> Response {
        let name = match self {
            Self::Moved => "moved",
            Self::TooLate => "too-late",
        };
        Redirect::to(&format!("/orders/{id}?note={name}")).into_response()
    }
}

/// The forms on an order's page, with what is written in them.
pub(super) struct Changes {
    written: Written,
    wrong: Wrong,
}

#[derive(Deserialize)]
struct Written {
    line: String,
    zone: String,
}

impl Changes {
    /// Returns the forms of an order in which nothing is written yet.
    pub(super) fn of(order: &ShownOrder) -> Self {
        let (line, zone) = (order.address.line.clone(), order.address.zone.clone());
        Self { written: Written { line, zone }, wrong: Wrong::default() }
    }

    /// Returns the title of the page.
    pub(super) fn title(&self, title: &'static str) -> &'static str {
        self.wrong.title(title)
    }

    /// Returns the form that moves the order, while it can be moved.
    pub(super) fn address_form(&self, order: &ShownOrder) -> Markup {
        let Written { line, zone } = &self.written;
        html! {
            @if order.status == Status::Pending {
                details #move data-kept open[!self.wrong.is_nothing()] {
                    summary { "Change the address" }
                    form.stack method="post" action={ "/orders/" (order.id) "/address" } {
                        (address_form::fields(line, zone, true, &self.wrong))
                        div.actions { button type="submit" { "Save the address" } }
                    }
                }
            }
        }
    }

    /// Returns what can be done: pay, cancel, or order something else.
    pub(super) fn actions(&self, order: &ShownOrder, can_pay: bool) -> Markup {
        let can_cancel = matches!(order.status, Status::Pending | Status::Confirmed);
        html! {
            @if can_pay || can_cancel {
                div.actions #actions {
                    @if can_pay { a.button #pay href={ "/orders/" (order.id) "/payment" } { "Pay" } }
                    @if can_cancel {
                        form #cancel method="post" action={ "/orders/" (order.id) "/cancel" } {
                            button.danger type="submit" { "Cancel the order" }
                        }
                    }
                }
            } @else if order.status == Status::Cancelled {
                div.actions #again { a.button.plain href="/" { "To the products" } }
            }
        }
    }
}

/// Leads who loads the page with a form again to the order.
async fn to_order(Path(id): Path<OrderId>) -> Redirect {
    Redirect::to(&format!("/orders/{id}"))
}

async fn move_to(
    State(gateway): State<Gateway>,
    session: Session,
    Path(id): Path<OrderId>,
    Form(written): Form<Written>,
) -> Result<Response, Problem> {
    let mut wrong = Wrong::default();
    let Some((line, zone)) = address_form::check(&written.line, &written.zone, &mut wrong) else {
        let tracked = Tracked::find(&gateway, &session, id).await?;
        if tracked.order.status != Status::Pending {
            return Ok(Note::TooLate.about(id));
        }
        return Ok(tracked.page(&Changes { written, wrong }, None).with_status(StatusCode::UNPROCESSABLE_ENTITY));
    };
    let ask = Ask::new(Upstream::Order, Method::PATCH, format!("/orders/{id}"));
    let ask = ask.json(&json!({"address": {"line": line, "zone": zone}}));
    change(&gateway, &session, id, ask).await.map(|is_changed| {
        let note = if is_changed { Note::Moved } else { Note::TooLate };
        note.about(id)
    })
}

async fn cancel(
    State(gateway): State<Gateway>,
    session: Session,
    Path(id): Path<OrderId>,
) -> Result<Response, Problem> {
    let ask = Ask::post(Upstream::Order, format!("/orders/{id}/cancel"));
    change(&gateway, &session, id, ask).await.map(|is_changed| order_page(id, is_changed))
}

/// Returns the page of an order after a change, which says if it was too late for it.
pub(super) fn order_page(id: OrderId, is_changed: bool) -> Response {
    if is_changed { Redirect::to(&format!("/orders/{id}")).into_response() } else { Note::TooLate.about(id) }
}

/// Asks order for a change, which is harmless when it is repeated. Returns whether it was not too late.
async fn change(gateway: &Gateway, session: &Session, id: OrderId, ask: Ask) -> Result<bool, Problem> {
    // Order has to know whose it is: an id that was only accepted here may be another customer's order there.
    gateway.require_opened(&session.identity, id, 1).await?;
    attempt(gateway, session, ask).await
}

/// Asks a service for a change, which is harmless when it is repeated. Returns whether it was not too late.
pub(super) async fn attempt(gateway: &Gateway, session: &Session, ask: Ask) -> Result<bool, Problem> {
    match gateway.upstreams.ask(ask.by(&session.identity).repeatable()).await {
        Ok(_) => Ok(true),
        Err(problem) if problem.status == 409 => Ok(false),
        Err(problem) => Err(problem),
    }
}
