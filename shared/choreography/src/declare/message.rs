//! Messages, commands and scheduled messages.
//!
//! What must hold: a message has exactly one key, and a subscriber receives the messages of one key in the order in
//! which their publisher published them.

use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserializer, Serialize};

use crate::declare::key::{Concerns, Key};
use crate::declare::payload::PayloadSchema;
use crate::declare::role::RoleType;
use crate::declare::row::Row;

/// A message that a service publishes and others receive; commands are messages, too.
///
/// Derive it:
///
/// ```
/// use choreography::Message;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Serialize, Deserialize, Message)]
/// #[message(name = "create-payment", key = order_id, role = step)]
/// struct CreatePayment {
///     order_id: u64,
///     amount_minor: i64,
/// }
/// assert_eq!(CreatePayment { order_id: 7, amount_minor: 500 }.key(), 7);
/// ```
///
/// While an application is updated, services with older and with newer code run side by side. A subscriber ignores fields
/// that it does not know, so a new field with a default needs nothing. Any other change is a new version, which names the
/// one before; subscribers with the new code read both:
///
/// ```
/// use choreography::Message;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Serialize, Deserialize, Message)]
/// #[message(name = "create-payment", key = order_id, role = step)]
/// struct CreatePaymentV1 {
///     order_id: u64,
///     euros: i64,
/// }
///
/// #[derive(Debug, Clone, Serialize, Deserialize, Message)]
/// #[message(name = "create-payment", key = order_id, role = step, version = 2, before = CreatePaymentV1)]
/// struct CreatePayment {
///     order_id: u64,
///     amount_minor: i64,
/// }
///
/// impl From<CreatePaymentV1> for CreatePayment {
///     fn from(before: CreatePaymentV1) -> Self {
///         Self { order_id: before.order_id, amount_minor: before.euros * 100 }
///     }
/// }
///
/// assert_eq!(CreatePayment::versions(), [1, 2]);
/// let payment = CreatePayment::read(1, br#"{"order_id": 7, "euros": 5}"#)?;
/// assert_eq!(payment.amount_minor, 500);
/// # Ok::<(), choreography::ReadError>(())
/// ```
///
/// A message that also derives `utoipa::ToSchema` is described with its fields in the application's AsyncAPI document
/// (`Map::to_asyncapi`, feature `asyncapi`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    label = "no service can publish or receive this",
    note = "derive `choreography::Message` for it"
)]
pub trait Message: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The message's name, in kebab case: `create-payment`.
    const NAME: &'static str;
    /// The version of the payload. A change that subscribers with older code would misread needs a new one; a new field
    /// with a default does not. The derive's argument `before` names the type of the version before it.
    const VERSION: u32 = 1;
    /// The role: [`role::Step`](crate::role::Step), [`role::Event`](crate::role::Event) or
    /// [`role::Compensation`](crate::role::Compensation).
    type Role: RoleType;
    /// The key's type.
    type Key: Key;
    /// Returns the key: the story that the message belongs to.
    fn key(&self) -> Self::Key;

    /// Returns the versions that [`read`](Self::read) takes: those before this one, and this one.
    fn versions() -> Vec<u32> {
        vec![Self::VERSION]
    }

    /// Returns the JSON Schema of the payload; none unless the type derives `utoipa::ToSchema` and the feature `asyncapi`
    /// is on. The derive writes it.
    fn payload_schema() -> Option<PayloadSchema> {
        None
    }

    /// Reads the payload of an earlier version. Without `before` there is none.
    ///
    /// # Errors
    /// [`ReadError`] if the version is unknown, or its payload unreadable.
    fn read_earlier<'de, D: Deserializer<'de>>(version: u32, _payload: D) -> Result<Self, ReadError> {
        Err(ReadError::UnknownVersion { message: Self::NAME, version })
    }

    /// Reads the payload of any version that [`versions`](Self::versions) returns, and converts it into this one.
    ///
    /// # Errors
    /// [`ReadError`] if the version is unknown, or its payload unreadable.
    fn read(version: u32, payload: &[u8]) -> Result<Self, ReadError> {
        let payload = str::from_utf8(payload).map_err(ReadError::unreadable)?;
        let mut json = serde_json::Deserializer::from_str(payload);
        let message = Self::read_from(version, &mut json)?;
        json.end().map_err(ReadError::unreadable)?;
        Ok(message)
    }

    /// Reads the payload of any version, in whatever form it comes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_from<'de, D: Deserializer<'de>>(version: u32, payload: D) -> Result<Self, ReadError> {
        match version == Self::VERSION {
            true => Self::deserialize(payload).map_err(ReadError::unreadable),
            false => Self::read_earlier(version, payload),
        }
    }

    /// Schedules the message for a moment. It replaces a scheduled message of the same name and key.
    ///
    /// ```
    #[doc = include_str!("../example.md")]
    /// let due = "2026-12-24T18:00:00Z".parse()?;
    /// let scheduled = ReceiptSent { order: 7 }.at(due);
    /// # Ok::<(), choreography::jiff::Error>(())
    /// ```
    fn at(self, due: Timestamp) -> Scheduled<Self> {
        Scheduled { message: self, due: Due::At(due) }
    }

    /// Schedules the message for a moment after the commit of what publishes it. It replaces a scheduled message of the
    /// same name and key.
    fn after(self, delay: Duration) -> Scheduled<Self> {
        Scheduled { message: self, due: Due::After(delay) }
    }

    /// Cancels the scheduled message of this name and key; if there is none, nothing happens.
    fn cancel(self) -> Scheduled<Self> {
        Scheduled { message: self, due: Due::Cancelled }
    }
}

/// Why a payload could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It has a version that this service does not know.
    #[error("version {version} of {message} is unknown here")]
    UnknownVersion {
        /// The message's name.
        message: &'static str,
        /// The version.
        version: u32,
    },
    /// It is not what this version of the message is.
    #[error("the payload is unreadable: {0}")]
    Unreadable(String),
}

impl ReadError {
    fn unreadable(error: impl Display) -> Self {
        Self::Unreadable(error.to_string())
    }
}

#[diagnostic::do_not_recommend]
impl<K, M: Message<Key = K>> Concerns<K> for M {
    fn concerns(&self) -> Vec<K> {
        vec![self.key()]
    }
}

/// A message that a caller sends to one service, which replies with a row.
///
/// Derive it, and [`Message`](trait@Message) with it:
///
/// ```
/// use choreography::{Command, Row};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Serialize, Deserialize, Command)]
/// #[command(name = "confirm-payment", key = order_id, row = Payment)]
/// struct ConfirmPayment {
///     order_id: u64,
/// }
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
/// #[row(table = "payment", key = u64)]
/// struct Payment {
///     confirmed: bool,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "no caller can send this",
    note = "derive `choreography::Command` for it, instead of `Message`"
)]
pub trait Command: Message {
    /// The row that the caller gets, as it is after the commit. It is the first row of the command's function.
    type Row: Row;
}

/// A scheduled message, made by [`Message::at`], [`Message::after`] or [`Message::cancel`].
///
/// It is kept in the service's own database, one for each name and key, and is published when it is due.
///
/// ```
#[doc = include_str!("../example.md")]
/// fn create_payment(message: &CreatePayment, payment: &mut Option<Payment>) -> Option<Scheduled<ExpirePayment>> {
///     if payment.is_some() {
///         return None;
///     }
///     *payment = Some(Payment::Pending);
///     Some(ExpirePayment { order: message.order }.after(Duration::from_secs(15 * 60)))
/// }
///
/// fn confirm_payment(command: &ConfirmPayment, payment: &mut Payment) -> Scheduled<ExpirePayment> {
///     *payment = Payment::Confirmed;
///     ExpirePayment { order: command.order }.cancel()
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled<M> {
    pub(crate) message: M,
    pub(crate) due: Due,
}

impl<M> Scheduled<M> {
    /// Returns the message that is scheduled or cancelled.
    pub fn message(&self) -> &M {
        &self.message
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    At(Timestamp),
    After(Duration),
    Cancelled,
}
