//! The way of an order, station by station, as its messages tell it; compensations walk it back.

use std::collections::BTreeSet;

use contracts::CancelReason;
use maud::{Markup, html};

use super::icons::{self, Station};
use super::shown_order::{ShownOrder, Status};

/// How far a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Ahead,
    Now,
    Done,
    Failed,
    /// It was done, and a compensation took it back.
    Undone,
}

impl Progress {
    fn class(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Now => "now",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undone => "undone",
        }
    }
}

/// A station, how far it is, and what is said about it.
pub(super) type Stop = (Station, Progress, &'static str, &'static str);

/// Returns the stations of an order from the names of its messages so far.
pub(super) fn way(order: &ShownOrder, messages: &BTreeSet<&str>) -> [Stop; 5] {
    let said = |name: &str| messages.contains(name);
    let is_cancelled = order.status == Status::Cancelled;
    let at = |station: Station, begun: bool, done: bool| match (is_cancelled, is_fault_of(station, order.reason)) {
        (true, true) => Progress::Failed,
        (true, false) if done => Progress::Undone,
        (true, false) => Progress::Ahead,
        (false, _) if done => Progress::Done,
        (false, _) if begun => Progress::Now,
        (false, _) => Progress::Ahead,
    };
    let is_paid = said("order-confirmed");
    let told = order.notified.as_deref() == Some(if is_cancelled { "cancelled" } else { "completed" });
    let is_over = is_cancelled || order.status == Status::Completed;
    let stop = |station, progress: Progress, title, words: [&'static str; 5]| {
        (station, progress, title, words[progress as usize])
    };
    [
        stop(
            Station::Order,
            match (is_cancelled, order.status) {
                (true, _) if is_fault_of(Station::Order, order.reason) => Progress::Failed,
                (true, _) => Progress::Undone,
                (false, Status::Accepted) => Progress::Now,
                (false, _) => Progress::Done,
            },
            "Order",
            ["", "Received", "Taken on", "Cancelled", "Cancelled"],
        ),
        stop(
            Station::Stock,
            at(Station::Stock, order.status != Status::Accepted, said("create-payment")),
            "Stock",
            ["Not yet reserved", "Reserving", "Reserved for you", "Not available", "Back on the shelf"],
        ),
        stop(
            Station::Payment,
            at(Station::Payment, said("create-payment"), is_paid),
            "Payment",
            ["Nothing charged", "Waiting for you", "Paid", "Not paid", "Money is back in your wallet"],
        ),
        stop(
            Station::Delivery,
            at(Station::Delivery, is_paid, said("delivery-assigned")),
            "Delivery",
            ["Not yet", "Looking for a dealer", "A dealer has it", "No dealer", "Called off"],
        ),
        stop(
            Station::Notice,
            if told {
                Progress::Done
            } else if is_over {
                Progress::Now
            } else {
                Progress::Ahead
            },
            "Mail",
            ["When it is over", "Writing to you", "You have mail", "", ""],
        ),
    ]
}

/// Whether an order was cancelled at a station.
fn is_fault_of(station: Station, reason: Option<CancelReason>) -> bool {
    use CancelReason as Reason;
    let Some(reason) = reason else { return false };
    let at = match reason {
        Reason::UnknownProduct | Reason::OutOfStock | Reason::MixedCurrencies | Reason::TotalTooLarge => Station::Stock,
        Reason::PaymentCancelled | Reason::PaymentExpired | Reason::InsufficientFunds | Reason::WalletUnreachable => {
            Station::Payment
        }
        Reason::NoDealer | Reason::DeliveryCancelled => Station::Delivery,
        Reason::CustomerCancelled | Reason::NotOpened | Reason::Failed | Reason::Unknown => Station::Order,
    };
    at == station
}

/// Draws the way.
pub(super) fn draw(stops: &[Stop]) -> Markup {
    html! {
        ol.way {
            @for (station, progress, title, words) in stops {
                li class=(progress.class()) aria-current=[(*progress == Progress::Now).then_some("step")] {
                    span.dot { (icons::station(*station)) }
                    strong { (title) }
                    small { (words) }
                }
            }
        }
    }
}
