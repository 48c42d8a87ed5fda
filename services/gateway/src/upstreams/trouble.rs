//! Logs whether a service responds: a line when it ceases to, and a line when it does again, however many requests fail
//! in between.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use super::Upstream;

/// The trouble with one service, as it was last logged.
pub(super) struct Trouble {
    upstream: Upstream,
    logged: Mutex<Option<&'static str>>,
}

impl Trouble {
    pub(super) fn none(upstream: Upstream) -> Self {
        Self { upstream, logged: Mutex::default() }
    }

    /// Logs what is wrong, unless that was the last line.
    pub(super) fn is(&self, what: &'static str, error: Option<&(dyn Error + 'static)>) {
        if self.replace(Some(what)) != Some(what) {
            tracing::warn!(upstream = %self.upstream, error, "{what}");
        }
    }

    /// Logs that the service responds again, if that was not so.
    pub(super) fn is_over(&self) {
        if self.replace(None).is_some() {
            tracing::info!(upstream = %self.upstream, "a service behind the gateway responds again");
        }
    }

    fn replace(&self, now: Option<&'static str>) -> Option<&'static str> {
        std::mem::replace(&mut *self.logged.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::NamedTempFile;
    use tracing_subscriber::fmt;

    use super::*;

    #[test]
    fn a_trouble_is_logged_when_it_begins_when_it_changes_and_when_it_is_over() {
        let log = NamedTempFile::new().unwrap();
        let file = Arc::new(log.reopen().unwrap());
        let written = fmt().with_ansi(false).without_time().with_writer(file).finish();
        tracing::subscriber::with_default(written, || {
            let trouble = Trouble::none(Upstream::Order);
            trouble.is_over();
            let lost = std::io::Error::other("connection refused");
            (0..3).for_each(|_| trouble.is("no response", Some(&lost)));
            (0..3).for_each(|_| trouble.is("no trust", None));
            (0..3).for_each(|_| trouble.is_over());
        });
        let text = std::fs::read_to_string(log.path()).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| line.split("trouble: ").nth(1).unwrap()).collect();
        assert_eq!(
            lines,
            [
                "no response upstream=order error=connection refused",
                "no trust upstream=order",
                "a service behind the gateway responds again upstream=order",
            ]
        );
    }
}
