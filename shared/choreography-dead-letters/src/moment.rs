//! Times and durations as people write them.

use std::time::Duration;

use choreography::Clock;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// The longest time to wait for services: `list` shows the outcome later.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Returns a time that is written as itself, `2026-11-20T13:00:00Z`, or as how long ago it was, `2h` or `7d`.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    before(text, Clock::system().now())
}

fn before(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let ago: Option<Span> = text.parse().ok().filter(|ago: &Span| !ago.is_negative());
    let then = ago.and_then(|ago| now.to_zoned(TimeZone::UTC).checked_sub(ago).ok());
    then.map(|then| then.timestamp())
        .ok_or_else(|| "write how long ago, such as 2h or 7d, or a time such as 2026-11-20T13:00:00Z".to_owned())
}

/// Returns how long to wait.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    let signed: Option<SignedDuration> = text.parse().ok();
    let duration = signed.and_then(|signed| Duration::try_from(signed).ok()).filter(|duration| *duration <= WAIT_MAX);
    duration.ok_or_else(|| "write a duration such as 0s, 10s or 2m, at most 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_as_itself_or_as_how_long_ago_it_was() {
        let now: Timestamp = "2026-11-20T13:00:00Z".parse().unwrap();
        for (text, moment) in [
            ("2h", "2026-11-20T11:00:00Z"),
            ("7d", "2026-11-13T13:00:00Z"),
            ("1d 30m", "2026-11-19T12:30:00Z"),
            ("2026-11-20T12:00:00+01:00", "2026-11-20T11:00:00Z"),
        ] {
            assert_eq!(before(text, now), Ok(moment.parse().unwrap()), "{text}");
        }
        for text in ["", "7", "-2h", "yesterday", "2026-11-20", "999999y"] {
            assert!(before(text, now).is_err(), "{text:?}");
        }
    }

    #[test]
    fn wait_is_bounded() {
        assert_eq!((wait("0s"), wait("2m")), (Ok(Duration::ZERO), Ok(Duration::from_secs(120))));
        for text in ["", "10", "-1s", "2h", "for ever"] {
            assert!(wait(text).is_err(), "{text:?}");
        }
    }
}
