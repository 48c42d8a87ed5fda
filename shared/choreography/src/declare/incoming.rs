//! Messages as functions receive them, with time and ids: those to process, and those that have died.

use std::ops::Deref;

use jiff::Timestamp;
use uuid::Uuid;

use crate::declare::key::Concerns;
use crate::declare::message::Message;
use crate::wire::dead_letter::Reason;
use crate::wire::ids::derived_id;

/// A message together with the time and its id. It derefs to the message.
///
/// ```
#[doc = include_str!("../example.md")]
/// use choreography::uuid::Uuid;
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
/// #[row(table = "receipt", key = u32)]
/// struct Receipt { id: Uuid, year: i16 }
///
/// fn write_receipt(message: &Incoming<PaymentCreated>, receipt: &mut Option<Receipt>) {
///     let year = message.now().to_zoned(choreography::jiff::tz::TimeZone::UTC).year();
///     receipt.get_or_insert(Receipt { id: message.new_id("receipt"), year });
/// }
///
/// // A test calls the reaction as the runtime does.
/// let now = "2026-03-01T12:00:00Z".parse().unwrap();
/// let message = Incoming::new(PaymentCreated { order: 7 }, Uuid::nil(), now);
/// let mut receipt = None;
/// write_receipt(&message, &mut receipt);
/// assert_eq!(receipt.unwrap().year, 2026);
/// ```
#[derive(Debug, Clone)]
pub struct Incoming<M> {
    message: M,
    id: Uuid,
    now: Timestamp,
}

impl<M> Incoming<M> {
    /// Returns a message as it is received at a moment. The runtime and tests of reactions call this.
    pub fn new(message: M, id: Uuid, now: Timestamp) -> Self {
        Self { message, id, now }
    }

    /// Returns the time, which is fixed when the message's batch opens.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the message's own id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns a new id. It derives from the message's id and the label: it is the same each time the message is
    /// received.
    pub fn new_id<T: From<Uuid>>(&self, label: &str) -> T {
        derived_id(self.id, label).into()
    }
}

impl<M> Deref for Incoming<M> {
    type Target = M;
    fn deref(&self) -> &M {
        &self.message
    }
}

/// A message of the type `M` that has died at this service, as a fallback receives it.
///
/// It has a key, which comes from the subject, but no payload: that may have been unreadable.
///
/// ```
#[doc = include_str!("../example.md")]
/// use choreography::Reason;
/// use choreography::uuid::Uuid;
///
/// fn give_up(dead: &Dead<CreatePayment>, payment: &mut Option<Payment>) -> Option<CancelOrder> {
///     let before = payment.replace(Payment::Cancelled);
///     (before != Some(Payment::Cancelled)).then_some(CancelOrder { order: *dead.key() })
/// }
///
/// // A test calls the fallback as the runtime does.
/// let now = "2026-03-01T12:00:00Z".parse().unwrap();
/// let dead = Dead::new(7, Reason::Expired, "ten minutes late", Uuid::nil(), now);
/// assert_eq!(give_up(&dead, &mut None), Some(CancelOrder { order: 7 }));
/// ```
#[derive(Debug, Clone)]
pub struct Dead<M: Message> {
    key: M::Key,
    reason: Reason,
    detail: String,
    id: Uuid,
    now: Timestamp,
}

impl<M: Message> Dead<M> {
    /// Returns a dead message as a fallback receives it. The runtime and tests of fallbacks call this.
    pub fn new(key: M::Key, reason: Reason, detail: impl Into<String>, id: Uuid, now: Timestamp) -> Self {
        Self { key, reason, detail: detail.into(), id, now }
    }

    /// Returns the key of the message.
    pub fn key(&self) -> &M::Key {
        &self.key
    }

    /// Returns why the message died.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns why the message died: the text of the panic or of the error.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the time, which is fixed when the batch opens.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns a new id. It derives from the message's id and the label: it is the same each time the fallback is
    /// called.
    pub fn new_id<T: From<Uuid>>(&self, label: &str) -> T {
        derived_id(self.id, label).into()
    }
}

impl<M: Message> Concerns<M::Key> for Dead<M> {
    fn concerns(&self) -> Vec<M::Key> {
        vec![self.key.clone()]
    }
}
