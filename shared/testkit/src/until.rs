//! Waiting: for the thing itself, for so long and no longer, and with words for the one who reads the failure.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// How long between two looks; short, because most things are there at the first or second look.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again until there is something, and panics with what was waited for and what was last seen when
/// the time is over.
///
/// `look` gives `Ok` with what was waited for, or `Err` with what it saw instead.
#[track_caller]
pub fn until<T, S, F>(what: impl Display, limit: Duration, mut look: impl FnMut() -> F) -> impl Future<Output = T>
where
    S: Display,
    F: Future<Output = Result<T, S>>,
{
    let place = std::panic::Location::caller();
    async move {
        let begin = Instant::now();
        loop {
            match look().await {
                Ok(found) => return found,
                Err(seen) if begin.elapsed() > limit => {
                    panic!("{place}: waited {limit:?} in vain for: {what}\nlast seen: {seen}")
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}
