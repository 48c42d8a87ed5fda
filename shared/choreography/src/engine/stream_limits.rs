//! The alarm before a stream's limits: a stream that is full drops its oldest messages before their time.

use super::health::HealthReporter;
use crate::bus::StreamState;
use crate::wire::dead_letter::{DEAD_LETTERS, EVENTS};

/// From how many percent of a limit on the operator is warned: at a steady rate, three tenths of the time are left that
/// the stream has taken to get there.
const ALARM_PERCENT: u64 = 70;
/// The steps of the percentage in the warning, so that it is not another one at each look.
const STEP_PERCENT: u64 = 10;

/// Reports how full the streams are, as metrics; in health and in the log if one is nearly full.
pub(super) fn report(health: &HealthReporter, service: &'static str, events: &StreamState, dead_letters: &StreamState) {
    let streams = [(EVENTS, events.percent_used()), (DEAD_LETTERS, dead_letters.percent_used())];
    for (stream, percent) in streams {
        let labels = [("service", service), ("stream", stream)];
        metrics::gauge!("choreography_stream_percent_used", &labels).set(percent as f64);
    }
    health.streams(check(streams));
}

fn check(streams: [(&str, u64); 2]) -> Result<(), String> {
    let full = streams.into_iter().filter(|(_, percent)| *percent >= ALARM_PERCENT);
    let full = full.map(|(stream, percent)| format!("{stream} is {} % full", percent - percent % STEP_PERCENT));
    let full: Vec<_> = full.collect();
    if full.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}: at 100 % the oldest messages leave before their time, and a service that is down for longer loses them. \
         Provision the stream with a higher limit, as far as the server's memory and disk allow",
        full.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_is_nearly_full_is_named_with_its_percentage_in_tens() {
        assert_eq!(check([(EVENTS, 69), (DEAD_LETTERS, 0)]), Ok(()));
        for (events, dead_letters, begin) in [
            (70, 0, "EVENTS is 70 % full: at"),
            (79, 0, "EVENTS is 70 % full: at"),
            (100, 85, "EVENTS is 100 % full, DEAD_LETTERS is 80 % full: at"),
        ] {
            let text = check([(EVENTS, events), (DEAD_LETTERS, dead_letters)]).unwrap_err();
            assert!(text.starts_with(begin), "{text}");
        }
    }
}
