//! Durations as people write them.

use std::time::Duration;

use jiff::SignedDuration;

/// The longest duration of a setting: the stream keeps messages for as long.
const DURATION_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Why a text can't be the duration of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDuration {
    /// It can't be read.
    #[error("write a duration such as 90s, 15m or 2h")]
    Unreadable,
    /// It is too short or too long.
    #[error("choose a duration of at least 1 millisecond and at most 7 days")]
    OutOfRange,
}

/// Reads a duration as people write it, as clap's `value_parser` of a setting.
///
/// ```
/// # use std::time::Duration;
/// assert_eq!(choreography_axum::duration("2h 30m"), Ok(Duration::from_secs(9_000)));
/// ```
///
/// # Errors
/// When the text is none, or the duration is shorter than a millisecond or longer than 7 days.
pub fn duration(text: &str) -> Result<Duration, InvalidDuration> {
    let signed: SignedDuration = text.parse().map_err(|_| InvalidDuration::Unreadable)?;
    let duration = Duration::try_from(signed).ok();
    let in_range = duration.filter(|duration| (Duration::from_millis(1)..=DURATION_MAX).contains(duration));
    in_range.ok_or(InvalidDuration::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_people_write_it() {
        for (text, seconds) in [("15m", 900), ("90s", 90), ("2h 30m", 9_000), ("PT15M", 900), ("168h", 604_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "15", "soon", "0s", "-1m", "169h"] {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }
}
