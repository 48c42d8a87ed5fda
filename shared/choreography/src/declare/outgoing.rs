//! What functions publish. A function's return type is the complete list; the map of the choreography is drawn from it.

use serde::Serialize;

use crate::declare::message::{Due, Message, Scheduled};
use crate::declare::payload::PayloadType;
use crate::declare::role::RoleType;
use crate::declare::unready::Unready;
use crate::wire::role::Role;
use crate::wire::subject::check_key;

/// A message that a function may publish, as the map shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OutgoingType {
    /// The message's name.
    pub name: &'static str,
    /// The version in which it is published.
    pub version: u32,
    /// The message's role.
    pub role: Role,
    /// Whether it is scheduled: published at a later time.
    pub scheduled: bool,
    /// How its payload looks.
    #[serde(skip)]
    pub(crate) payload: PayloadType,
}

impl OutgoingType {
    fn of<M: Message>(scheduled: bool) -> Self {
        let (name, version, role) = (M::NAME, M::VERSION, M::Role::ROLE);
        Self { name, version, role, scheduled, payload: PayloadType(M::payload_schema) }
    }
}

/// A message that a function has returned, before it has an envelope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OutgoingMessage {
    pub name: &'static str,
    pub version: u32,
    pub role: Role,
    pub key: String,
    pub payload: String,
    pub due: Option<Due>,
}

/// The largest payload of a message, in bytes. Put larger data into a store of its own, and refer to it in the message.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1_024;

/// Collects the messages that one call of a function returns.
#[derive(Debug, Default)]
pub struct Collector {
    messages: Vec<OutgoingMessage>,
    unpublishable: Option<Unready>,
}

impl Collector {
    fn add<M: Message>(&mut self, message: &M, due: Option<Due>) {
        let payload = match serde_json::to_string(message) {
            Ok(payload) => payload,
            Err(error) => {
                self.unpublishable = Some(Unready::NotJson(format!("{} can't be written as JSON: {error}", M::NAME)));
                return;
            }
        };
        if payload.len() > PAYLOAD_BYTES_MAX {
            let (name, bytes) = (M::NAME, payload.len());
            let detail = format!("{name} would be {bytes} bytes; a message has at most {PAYLOAD_BYTES_MAX}");
            self.unpublishable = Some(Unready::TooLarge(detail));
        }
        let key = message.key().to_string();
        if let Err(invalid) = check_key(&key) {
            self.unpublishable = Some(Unready::InvalidKey(M::NAME, invalid));
        }
        let (name, version, role) = (M::NAME, M::VERSION, M::Role::ROLE);
        self.messages.push(OutgoingMessage { name, version, role, key, payload, due });
    }
}

/// Returns the messages of a function's return value, in their order.
///
/// # Errors
/// When one of them can't be written as JSON, is too large, or has a key that can't be part of a subject.
pub(crate) fn messages_of(outgoing: impl Outgoing) -> Result<Vec<OutgoingMessage>, Unready> {
    let mut collector = Collector::default();
    outgoing.collect(&mut collector);
    match collector.unpublishable {
        Some(problem) => Err(problem),
        None => Ok(collector.messages),
    }
}

/// Returns the messages that values of a type may contain.
pub(crate) fn types_of<O: Outgoing>() -> Vec<OutgoingType> {
    let mut types = Vec::new();
    O::types(&mut types);
    types
}

/// What can be published: `()` for nothing, a message, a [`Scheduled`] message, and options, lists and tuples of these.
///
/// ```
#[doc = include_str!("../example.md")]
/// /// Publishes nothing, or one message now and another one in a quarter of an hour.
/// fn create_payment(
///     message: &CreatePayment,
///     payment: &mut Option<Payment>,
/// ) -> Option<(PaymentCreated, Scheduled<ExpirePayment>)> {
///     if payment.is_some() {
///         return None;
///     }
///     *payment = Some(Payment::Pending);
///     let order = message.order;
///     Some((PaymentCreated { order }, ExpirePayment { order }.after(Duration::from_secs(15 * 60))))
/// }
/// let choreography = Choreography::new("payment").on(create_payment);
/// let names: Vec<_> = choreography.edges()[0].publishes.iter().map(|outgoing| outgoing.name).collect();
/// assert_eq!(names, ["payment-created", "expire-payment"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be published",
    label = "publish `()`, a message, `Scheduled<M>`, or `Option`, `Vec` and tuples of up to eight of these",
    note = "derive `choreography::Message` for a type of your own",
    note = "a `Result` is possible at the top only: `Err` leaves the rows as they were"
)]
pub trait Outgoing {
    /// Adds the messages to the collector.
    #[doc(hidden)]
    fn collect(self, collector: &mut Collector);
    /// Adds the messages that values of this type may contain.
    #[doc(hidden)]
    fn types(types: &mut Vec<OutgoingType>);
}

#[diagnostic::do_not_recommend]
impl<M: Message> Outgoing for M {
    fn collect(self, collector: &mut Collector) {
        collector.add(&self, None);
    }
    fn types(types: &mut Vec<OutgoingType>) {
        types.push(OutgoingType::of::<M>(false));
    }
}

impl<M: Message> Outgoing for Scheduled<M> {
    fn collect(self, collector: &mut Collector) {
        collector.add(&self.message, Some(self.due));
    }
    fn types(types: &mut Vec<OutgoingType>) {
        types.push(OutgoingType::of::<M>(true));
    }
}

impl<O: Outgoing> Outgoing for Option<O> {
    fn collect(self, collector: &mut Collector) {
        if let Some(outgoing) = self {
            outgoing.collect(collector);
        }
    }
    fn types(types: &mut Vec<OutgoingType>) {
        O::types(types);
    }
}

impl<O: Outgoing> Outgoing for Vec<O> {
    fn collect(self, collector: &mut Collector) {
        for outgoing in self {
            outgoing.collect(collector);
        }
    }
    fn types(types: &mut Vec<OutgoingType>) {
        O::types(types);
    }
}

macro_rules! outgoing_tuples {
    ($($member:ident)*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<$($member: Outgoing),*> Outgoing for ($($member,)*) {
            fn collect(self, collector: &mut Collector) {
                let ($($member,)*) = self;
                $($member.collect(collector);)*
            }
            fn types(types: &mut Vec<OutgoingType>) {
                $($member::types(types);)*
            }
        }
    };
}
outgoing_tuples!();
outgoing_tuples!(A);
outgoing_tuples!(A B);
outgoing_tuples!(A B C);
outgoing_tuples!(A B C D);
outgoing_tuples!(A B C D E);
outgoing_tuples!(A B C D E F);
outgoing_tuples!(A B C D E F G);
outgoing_tuples!(A B C D E F G H);
