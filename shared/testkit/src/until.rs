//! Waits for a condition, with a limit and a failure that shows what was seen last.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// The time between two looks; short, because most conditions hold at the first or second one.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Calls `look` again and again until it returns `Ok`, and returns its value. `Err` has what it saw instead.
///
/// # Panics
/// When the limit has passed, with what was waited for and what was seen last.
#[track_caller]
pub fn until<T, S, F>(what: impl Display, limit: Duration, mut look: impl FnMut() -> F) -> impl Future<Output = T>
where
    S: Display,
    F: Future<Output = Result<T, S>>,
{
    let caller = std::panic::Location::caller();
    async move {
        let begin = Instant::now();
        loop {
            match look().await {
                Ok(found) => return found,
                Err(seen) if begin.elapsed() > limit => {
                    panic!("{caller}: not within {limit:?}: {what}\nlast seen: {seen}")
                }
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }
}
