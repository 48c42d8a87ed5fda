//! A trouble of a service: logged once when it begins, and once when it is over.
//!
//! A trouble that repeats is one trouble: it is over when it has not come back for a while. What must hold: however
//! often it is reported, there are two lines, and one a minute while its text changes.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::until;

/// How long a trouble must not come back until it counts as over: longer than the pauses after which tasks try again.
const QUIET: Duration = Duration::from_secs(5);
/// How often a trouble whose text changes is logged again.
const REPEATED_EVERY: Duration = Duration::from_secs(60);

/// The state of one trouble.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Option<Begun>);

#[derive(Debug)]
struct Begun {
    at: Timestamp,
    /// The text that was logged last, and when.
    logged: (String, Timestamp),
    /// Since when it has not come back.
    quiet_since: Option<Timestamp>,
}

/// What to log about a trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TroubleLog {
    /// It has begun, or is another one by now.
    Begins(String),
    /// It is over, after this time.
    Over(Duration),
}

impl Trouble {
    /// Takes a report: the trouble with what to do about it, or that there is none. Returns what to log.
    pub(crate) fn report(&mut self, now: Result<(), &str>, at: Timestamp) -> Option<TroubleLog> {
        match (now, &mut self.0) {
            (Ok(()), None) => None,
            (Ok(()), Some(begun)) => {
                begun.quiet_since.get_or_insert(at);
                None
            }
            (Err(problem), None) => {
                self.0 = Some(Begun { at, logged: (problem.to_owned(), at), quiet_since: None });
                Some(TroubleLog::Begins(problem.to_owned()))
            }
            (Err(problem), Some(begun)) => {
                begun.quiet_since = None;
                let is_new = begun.logged.0 != problem && until(begun.logged.1, at) >= REPEATED_EVERY;
                is_new.then(|| {
                    begun.logged = (problem.to_owned(), at);
                    TroubleLog::Begins(problem.to_owned())
                })
            }
        }
    }

    /// Whether it has begun, and is not over.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.is_some()
    }

    /// Looks whether the trouble is over. Returns what to log.
    pub(crate) fn look(&mut self, at: Timestamp) -> Option<TroubleLog> {
        let begun = self.0.as_ref()?;
        let quiet_since = begun.quiet_since.filter(|since| until(*since, at) >= QUIET)?;
        let lasted = until(begun.at, quiet_since);
        self.0 = None;
        Some(TroubleLog::Over(lasted))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_trouble_that_repeats_is_logged_when_it_begins_when_it_changes_and_when_it_is_over() {
        let (mut trouble, start) = (Trouble::default(), Timestamp::UNIX_EPOCH);
        let at = |ms: i64| start + SignedDuration::from_millis(ms);
        assert_eq!(trouble.report(Ok(()), start), None);
        let mut logged = Vec::new();
        for ms in (0..61_000).step_by(250) {
            let text = format!("no stream, try {ms}: run the provisioning step");
            logged.extend(trouble.report(Err(&text), at(ms)));
            logged.extend(trouble.report(Ok(()), at(ms + 100)));
            logged.extend(trouble.look(at(ms + 200)));
        }
        assert_eq!(logged.len(), 2, "{logged:?}");
        assert_eq!(trouble.look(at(61_000)), None);
        assert_eq!(trouble.look(at(70_000)), Some(TroubleLog::Over(Duration::from_millis(60_850))));
        assert_eq!(trouble.look(at(80_000)), None);
        assert!(matches!(trouble.report(Err("again"), at(90_000)), Some(TroubleLog::Begins(_))));
    }
}
