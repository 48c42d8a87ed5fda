//! Messages, commands and scheduled messages.
//!
//! What must hold: a message has exactly one key, and a subscriber receives the messages of one key in the order in
//! which their publisher published them.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::declare::key::{Concerns, Key};
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    label = "no service can publish or receive this",
    note = "derive `choreography::Message` for it"
)]
pub trait Message: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The message's name, in kebab case: `create-payment`.
    const NAME: &'static str;
    /// The version of the payload. A change that subscribers with older code would misread needs a new one.
    const VERSION: u32 = 1;
    /// The role: [`role::Step`](crate::role::Step), [`role::Event`](crate::role::Event) or
    /// [`role::Compensation`](crate::role::Compensation).
    type Role: RoleType;
    /// The key's type.
    type Key: Key;
    /// Returns the key: the story that the message belongs to.
    fn key(&self) -> Self::Key;

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
