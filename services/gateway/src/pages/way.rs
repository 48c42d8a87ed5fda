//! The way of an order, station by station, as its messages tell it; compensations walk it back.

use maud::{Markup, html};

use super::icons::{self, Station};
use super::shown_order::Status;
use super::story::{Told, has};

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
pub(super) struct Stop {
    station: Station,
    title: &'static str,
    progress: Progress,
    words: &'static str,
}

/// What is known of an order: its state, and its messages so far.
///
/// The state is known from order, the messages from their stream, which may be behind, and forgets old ones.
#[derive(Clone, Copy)]
struct Known<'a> {
    status: Status,
    story: &'a [Told],
}

impl Known<'_> {
    /// Whether a service has published a message, as it is there or must have been.
    fn has(self, publisher: &str, message: &str) -> bool {
        self.implied().contains(&(publisher, message)) || has(self.story, publisher, message)
    }

    /// Returns the messages that led to the state.
    fn implied(self) -> &'static [(&'static str, &'static str)] {
        let to_completed = &[
            ("inventory", "create-payment"),
            ("payment", "debit-wallet"),
            ("payment", "order-confirmed"),
            ("delivery", "delivery-assigned"),
        ];
        match self.status {
            Status::Completed => to_completed,
            Status::Confirmed => &to_completed[..3],
            Status::Accepted | Status::Pending | Status::Cancelled => &[],
        }
    }
}

/// Returns the stations of an order from its state and its messages so far. `told`: whether its customer was mailed of its
/// end; none while that is open.
pub(super) fn way(status: Status, story: &[Told], told: Option<bool>) -> [Stop; 5] {
    let known = Known { status, story };
    let stop = |station, title, (progress, words)| Stop { station, title, progress, words };
    [
        stop(Station::Order, "Order", order(status)),
        stop(Station::Stock, "Stock", stock(known)),
        stop(Station::Payment, "Payment", payment(known)),
        stop(Station::Delivery, "Delivery", delivery(known)),
        stop(Station::Notice, "Mail", notice(status, told)),
    ]
}

fn order(status: Status) -> (Progress, &'static str) {
    match status {
        Status::Accepted => (Progress::Now, "Received"),
        Status::Cancelled => (Progress::Undone, "Cancelled"),
        Status::Pending | Status::Confirmed | Status::Completed => (Progress::Done, "Taken on"),
    }
}

fn stock(known: Known) -> (Progress, &'static str) {
    let is_reserved = known.has("inventory", "create-payment");
    if known.has("inventory", "cancel-order") {
        (Progress::Failed, "Not available")
    } else if is_reserved && known.has("payment", "cancel-order") {
        (Progress::Undone, "Back on the shelf")
    } else if is_reserved {
        (Progress::Done, "Reserved for you")
    } else if matches!(known.status, Status::Accepted | Status::Cancelled) {
        (Progress::Ahead, "Not reserved")
    } else {
        (Progress::Now, "Reserving")
    }
}

fn payment(known: Known) -> (Progress, &'static str) {
    let (is_paid, is_over) = (known.has("payment", "order-confirmed"), known.has("payment", "cancel-order"));
    match (is_paid, is_over) {
        (true, true) => (Progress::Undone, "Money is back in your wallet"),
        (true, false) => (Progress::Done, "Paid"),
        (false, true) => (Progress::Failed, "Not paid"),
        (false, false) if known.has("payment", "debit-wallet") => (Progress::Now, "Asking your wallet"),
        (false, false) if known.has("inventory", "create-payment") => (Progress::Now, "Waiting for you"),
        (false, false) => (Progress::Ahead, "Nothing charged"),
    }
}

fn delivery(known: Known) -> (Progress, &'static str) {
    let (is_assigned, is_back) = (known.has("delivery", "delivery-assigned"), known.has("delivery", "cancel-payment"));
    match (is_assigned, is_back) {
        (true, true) => (Progress::Undone, "Called off"),
        (true, false) => (Progress::Done, "A dealer has it"),
        (false, true) if known.has("order", "cancel-delivery") => (Progress::Undone, "Called off"),
        (false, true) => (Progress::Failed, "No dealer"),
        (false, false) if known.has("order", "create-delivery") => (Progress::Now, "Looking for a dealer"),
        (false, false) => (Progress::Ahead, "Not yet"),
    }
}

fn notice(status: Status, told: Option<bool>) -> (Progress, &'static str) {
    match (status, told) {
        (Status::Accepted | Status::Pending | Status::Confirmed, _) => (Progress::Ahead, "When it is over"),
        (_, None) => (Progress::Now, "Writing to you"),
        (_, Some(true)) => (Progress::Done, "You have mail"),
        (_, Some(false)) => (Progress::Done, "No address to write to"),
    }
}

/// Draws the way.
pub(super) fn draw(stops: &[Stop]) -> Markup {
    html! {
        ol.way {
            @for Stop { station, title, progress, words } in stops {
                li class=(progress.class()) aria-current=[(*progress == Progress::Now).then_some("step")] {
                    span.dot { (icons::station(*station)) }
                    strong { (title) }
                    small { (words) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Progress::{Ahead, Done, Failed, Now, Undone};
    use jiff::Timestamp;
    use serde_json::Value;

    fn along(status: Status, messages: &str) -> [Progress; 5] {
        let told = |message: &str| {
            let (publisher, message) = message.split_once('.').unwrap();
            Told {
                publisher: publisher.to_owned(),
                message: message.to_owned(),
                time: Timestamp::UNIX_EPOCH,
                payload: Value::Null,
            }
        };
        let story: Vec<_> = messages.split_whitespace().map(told).collect();
        way(status, &story, None).map(|stop| stop.progress)
    }

    #[test]
    fn an_order_goes_along_its_way_and_walks_back_station_by_station() {
        let held = "order.reserve-stock inventory.create-payment payment.payment-created";
        let paid = &format!("{held} payment.debit-wallet wallet.wallet-debited payment.order-confirmed");
        let sent = &format!("{paid} order.create-delivery");
        let refused = &format!("{sent} delivery.cancel-payment");
        for (status, story, expected) in [
            (Status::Accepted, "", [Now, Ahead, Ahead, Ahead, Ahead]),
            (Status::Pending, "order.reserve-stock", [Done, Now, Ahead, Ahead, Ahead]),
            (Status::Pending, held, [Done, Done, Now, Ahead, Ahead]),
            (Status::Confirmed, paid, [Done, Done, Done, Ahead, Ahead]),
            (Status::Confirmed, sent, [Done, Done, Done, Now, Ahead]),
            (Status::Completed, &format!("{sent} delivery.delivery-assigned"), [Done, Done, Done, Done, Now]),
            (Status::Confirmed, "", [Done, Done, Done, Ahead, Ahead]),
            (Status::Completed, "", [Done, Done, Done, Done, Now]),
            (Status::Cancelled, "order.reserve-stock inventory.cancel-order", [Undone, Failed, Ahead, Ahead, Now]),
            (Status::Cancelled, &format!("{held} payment.cancel-order"), [Undone, Undone, Failed, Ahead, Now]),
            (Status::Confirmed, refused, [Done, Done, Done, Failed, Ahead]),
            (Status::Confirmed, &format!("{refused} payment.cancel-order"), [Done, Undone, Undone, Failed, Ahead]),
            (Status::Cancelled, &format!("{refused} payment.cancel-order"), [Undone, Undone, Undone, Failed, Now]),
        ] {
            assert_eq!(along(status, story), expected, "{status:?}: {story}");
        }
    }
}
