//! Moments as people read them. The script shows them in the reader's time zone; without it they are in UTC, and say so.

use jiff::Timestamp;
use maud::{Markup, html};

/// Returns a day and a time.
pub(super) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%-d %b %Y, %H:%M UTC")) } }
}

/// Returns a time of the day, with seconds.
pub(super) fn time_of_day(at: Timestamp) -> Markup {
    html! { time datetime=(at) data-precise { (at.strftime("%H:%M:%S UTC")) } }
}
