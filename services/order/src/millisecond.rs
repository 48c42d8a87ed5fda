//! A moment in milliseconds, as the database's column has it: texts that sort by time.

use std::fmt::{Display, Formatter, Result};

use jiff::{Timestamp, Unit};

/// A moment, such as `2026-03-01T12:00:00.250`, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Millisecond(Timestamp);

/// The nearest millisecond, as SQLite rounds.
impl From<Timestamp> for Millisecond {
    fn from(moment: Timestamp) -> Self {
        Self(moment.round(Unit::Millisecond).unwrap_or(moment)) // the last moment of all can't be rounded
    }
}

impl Display for Millisecond {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.0.strftime("%Y-%m-%dT%H:%M:%S%.3f").fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_the_same_length_however_exactly_it_is_known() {
        for (moment, text) in [
            ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000"),
            ("2026-03-01T12:00:00.25Z", "2026-03-01T12:00:00.250"),
            ("2026-03-01T12:00:00.249500001Z", "2026-03-01T12:00:00.250"),
            ("2026-03-01T13:00:00.2501+01:00", "2026-03-01T12:00:00.250"),
        ] {
            assert_eq!(Millisecond::from(moment.parse::<Timestamp>().unwrap()).to_string(), text);
        }
    }
}
