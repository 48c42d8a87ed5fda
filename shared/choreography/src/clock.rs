//! The only place that asks what time it is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;
use uuid::timestamp::context::ContextV7;

/// What tells the time and makes fresh ids.
#[derive(Clone)]
pub struct Clock {
    origin: Option<(Timestamp, Instant)>,
    ids: std::sync::Arc<std::sync::Mutex<ContextV7>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { origin: None, ids: std::sync::Arc::new(std::sync::Mutex::new(ContextV7::new())) }
    }

    /// A clock that starts at a moment and goes on with tokio's time, which a test can pause and advance.
    pub fn turned(start: Timestamp) -> Self {
        Self {
            origin: Some((start, Instant::now())),
            ids: std::sync::Arc::new(std::sync::Mutex::new(ContextV7::new())),
        }
    }

    /// The time.
    #[allow(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    pub fn now(&self) -> Timestamp {
        match &self.origin {
            None => Timestamp::now(),
            Some((start, since)) => start.saturating_add(signed(since.elapsed())).unwrap_or(*start),
        }
    }

    /// A fresh UUID of version 7; those made within one millisecond still ascend.
    pub fn new_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        Uuid::new_v7(uuid::Timestamp::from_unix(&*self.ids, seconds, nanoseconds))
    }
}

/// A duration as jiff has it; more than it can hold is as much as it can.
pub(crate) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// A moment later, or the last one there is.
pub(crate) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(signed(by)).unwrap_or(Timestamp::MAX)
}

/// A moment before, or the first one there is.
pub(crate) fn earlier(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_sub(signed(by)).unwrap_or(Timestamp::MIN)
}

/// How long it is until a moment; zero if it is over.
pub(crate) fn until(now: Timestamp, moment: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO)
}
