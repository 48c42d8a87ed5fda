//! What an operator sees of effects: how many of each message wait, and the oldest, in metrics; in health if it is late.

use std::time::Duration;

use jiff::Timestamp;

use super::Effects;
use super::kind::Kinds;
use crate::clock::until;

/// How long an effect may take, with its waiting, before health says so.
const LATE_AFTER: Duration = Duration::from_secs(60);

impl Effects {
    /// Reports how many effects of each message wait, as far as they are in memory, and for how long the oldest does.
    pub(super) fn report(&self, kinds: &Kinds) {
        let (service, now) = (self.choreography.service, self.settings.clock.now());
        let mut late = Vec::new();
        for kind in kinds.iter() {
            let since = kind.queue.oldest_ms().and_then(|since_ms| Timestamp::from_millisecond(since_ms).ok());
            let age = since.map_or(Duration::ZERO, |since| until(since, now));
            let labels = [("service", service), ("message", kind.message)];
            let count = kind.queue.count();
            metrics::gauge!("choreography_effects_waiting", &labels).set(count as f64);
            metrics::gauge!("choreography_effects_oldest_seconds", &labels).set(age.as_secs_f64());
            if age >= LATE_AFTER {
                let failure = kind.failure.as_ref().map_or(String::new(), |failure| format!(": {failure}"));
                late.push(format!(
                    "the oldest of {count} effects of {} waits for {} s{failure}",
                    kind.message,
                    age.as_secs()
                ));
            }
        }
        self.shared.health.effects(if late.is_empty() { Ok(()) } else { Err(late.join("; ")) });
    }
}
