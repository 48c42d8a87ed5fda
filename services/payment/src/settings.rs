//! Payment's own settings: how long a payment waits for the customer.

use std::time::Duration;

use clap::Parser;
use jiff::SignedDuration;

/// No payment waits longer: by then the messages of its order are forgotten.
const DEADLINE_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

// No doc comment: clap would show it as what the service is about.
#[allow(missing_docs)]
#[derive(Debug, Clone, Parser)]
pub struct Settings {
    #[command(flatten)]
    pub service: web::Settings,
    /// How long a payment waits for the customer before it expires, such as 90s, 15m or 2h
    #[arg(long, env = "PAYMENT_DEADLINE", default_value = "15m", value_parser = deadline)]
    pub payment_deadline: Duration,
}

fn deadline(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text.parse().map_err(|_| "write a duration such as 90s, 15m or 2h".to_owned())?;
    let deadline =
        Duration::try_from(signed).ok().filter(|deadline| (Duration::from_millis(1)..=DEADLINE_MAX).contains(deadline));
    deadline.ok_or_else(|| "choose more than nothing and at most 7 days".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_written_as_people_write_it() {
        for (text, seconds) in [("15m", 900), ("90s", 90), ("2h 30m", 9_000), ("PT15M", 900), ("168h", 604_800)] {
            assert_eq!(deadline(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "15", "soon", "0s", "-1m", "169h"] {
            assert!(deadline(text).is_err(), "{text:?}");
        }
    }
}
