//! The printable end of a `main`.

use std::error::Error;
use std::fmt::{Debug, Formatter, Result};

/// Why a service's `main` ended: printed as one line with every cause, and without a backtrace.
///
/// Every error converts into it with `?`.
///
/// ```no_run
/// fn main() -> Result<(), choreography_axum::Failure> {
///     std::fs::create_dir_all(".data")?; // Error: permission denied (os error 13)
///     Ok(())
/// }
/// ```
pub struct Failure(Box<dyn Error + Send + Sync>);

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// What `main` prints.
impl Debug for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut text = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            // Some errors repeat their cause in their own text.
            let detail = error.to_string();
            if !text.contains(&detail) {
                text = format!("{text}: {detail}");
            }
            cause = error.source();
        }
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("opening the database")]
    struct Opening(#[source] std::io::Error);

    #[test]
    fn a_failure_prints_every_cause_once() {
        let failure = Failure::from(Opening(std::io::Error::other("disk full")));
        assert_eq!(format!("{failure:?}"), "opening the database: disk full");
        let repeated = Failure::from(std::io::Error::other(Opening(std::io::Error::other("disk full"))));
        assert_eq!(format!("{repeated:?}"), "opening the database: disk full");
    }
}
