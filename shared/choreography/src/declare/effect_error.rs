//! Why an effect failed, and whether another try may succeed.

use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter};

/// Why an effect failed.
///
/// A transient failure is tried again, with growing pauses, until the tries are exhausted; a permanent one is not, and
/// the message dies at once. `?` turns every error that implements [`std::error::Error`] into a transient failure.
///
/// ```
/// use choreography::EffectError;
///
/// fn send(to: &str) -> Result<(), EffectError> {
///     if !to.contains('@') {
///         return Err(EffectError::permanent(format!("{to} is no address")));
///     }
///     let handed_over: std::io::Result<()> = Err(std::io::Error::other("the mail server is busy"));
///     Ok(handed_over?) // transient
/// }
/// assert!(send("ada").unwrap_err().is_permanent());
/// assert!(!send("ada@example.com").unwrap_err().is_permanent());
/// ```
pub struct EffectError {
    source: Box<dyn Error + Send + Sync>,
    permanent: bool,
}

impl EffectError {
    /// Returns a failure after which another try may succeed; from a text or from an error.
    pub fn transient(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), permanent: false }
    }

    /// Returns a failure after which no other try can succeed; from a text or from an error.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), permanent: true }
    }

    /// Whether no other try can succeed.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    /// Returns the error or text that it was made from.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }
}

// As it converts from every error, it can't be one itself.
impl<E: Error + Send + Sync + 'static> From<E> for EffectError {
    fn from(error: E) -> Self {
        Self::transient(error)
    }
}

/// The error and everything that caused it, with colons between.
impl Display for EffectError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Debug for EffectError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} failure: {self}", if self.permanent { "permanent" } else { "transient" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("sending the mail")]
    struct Sending(#[source] std::io::Error);

    #[test]
    fn an_effect_error_shows_every_cause() {
        let error = EffectError::from(Sending(std::io::Error::other("connection refused")));
        assert_eq!(error.to_string(), "sending the mail: connection refused");
        assert_eq!(EffectError::permanent("no such address").to_string(), "no such address");
    }
}
