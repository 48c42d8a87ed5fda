//! What the three kinds of functions return: reactions, commands and effects.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::declare::effect_error::EffectError;
use crate::declare::outgoing::Outgoing;

/// What a reaction returns: [`Outgoing`], or a `Result` of two kinds of it.
///
/// `Err` is a refusal: its messages are published, and the rows stay as they were.
#[diagnostic::on_unimplemented(
    message = "a reaction can't return `{Self}`",
    label = "a reaction returns `()`, a message, `Scheduled<M>`, `Option`, `Vec` and tuples of up to eight of these, or a \
             `Result` of two of them",
    note = "derive `choreography::Message` for what it publishes; what can fail and be tried again is an `.effect`"
)]
pub trait ReactionOutput {
    /// What is published when the rows are kept.
    type Published: Outgoing;
    /// What is published when the rows stay as they were.
    type Refusal: Outgoing;
    /// Returns which of the two it is.
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Published, Self::Refusal>;
}

#[diagnostic::do_not_recommend]
impl<O: Outgoing> ReactionOutput for O {
    type Published = O;
    type Refusal = ();
    fn into_result(self) -> Result<O, ()> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<O: Outgoing, R: Outgoing> ReactionOutput for Result<O, R> {
    type Published = O;
    type Refusal = R;
    fn into_result(self) -> Self {
        self
    }
}

/// Why a command is not executed. Nothing changes, and the caller gets this instead of the row.
///
/// ```
/// use choreography::Rejected;
///
/// let rejected = Rejected::new("payment-expired", "The payment expired: place the order again.");
/// assert_eq!(rejected.code, "payment-expired");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The kind of the rejection, for programs, in kebab case: `payment-expired`.
    pub code: String,
    /// What is in the way and what the caller can do about it, for people.
    pub detail: String,
}

impl Rejected {
    /// Returns a rejection.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Rejected {}

/// What a command handler returns: [`Outgoing`], or `Result<Outgoing, Rejected>`.
#[diagnostic::on_unimplemented(
    message = "a command can't return `{Self}`",
    label = "a command returns what it publishes, or `Result<what it publishes, Rejected>`",
    note = "it publishes `()`, a message, `Scheduled<M>`, or `Option`, `Vec` and tuples of up to eight of these"
)]
pub trait CommandOutput {
    /// What is published when the command is executed.
    type Published: Outgoing;
    /// Returns what is published, or why the command is not executed.
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Published, Rejected>;
}

#[diagnostic::do_not_recommend]
impl<O: Outgoing> CommandOutput for O {
    type Published = O;
    fn into_result(self) -> Result<O, Rejected> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<O: Outgoing> CommandOutput for Result<O, Rejected> {
    type Published = O;
    fn into_result(self) -> Self {
        self
    }
}

/// What an effect's future returns: `Result<Outgoing, EffectError>`, or with any other error that converts into one.
#[diagnostic::on_unimplemented(
    message = "an effect can't return `{Self}`",
    label = "an effect returns `Result<what it publishes, EffectError>`",
    note = "`?` makes a transient `EffectError` of every `std::error::Error`; for anything else, such as \
            `anyhow::Error`, write `.map_err(EffectError::transient)?` or `.map_err(EffectError::permanent)?`",
    note = "it publishes `()`, a message, `Scheduled<M>`, or `Option`, `Vec` and tuples of up to eight of these"
)]
pub trait EffectOutput {
    /// What is published when the effect succeeds.
    type Published: Outgoing;
    /// Returns what is published, or why the effect failed.
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Published, EffectError>;
}

#[diagnostic::do_not_recommend]
impl<O: Outgoing, E: Into<EffectError>> EffectOutput for Result<O, E> {
    type Published = O;
    fn into_result(self) -> Result<O, EffectError> {
        self.map_err(Into::into)
    }
}
