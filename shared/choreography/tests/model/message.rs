//! What travels: messages and the numbers they carry.

/// A minute of the model's time. A second of the real one is less than a step.
pub(crate) type Tick = u64;

/// The services of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ServiceName {
    /// Publishes `CreatePayment` and `OrderUpdated`; reads nothing.
    Order,
    /// Receives `CreatePayment` and publishes a `PaymentCreated` for each.
    Payment,
    /// Receives `CreatePayment` and `PaymentCreated`, later perhaps `OrderUpdated`.
    Delivery,
    /// Receives everything, and perhaps exists only from some moment on.
    Notify,
}

impl ServiceName {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Order, Self::Payment, Self::Delivery, Self::Notify];

    /// Whether it receives anything.
    pub(crate) fn subscribes(self) -> bool {
        self != Self::Order
    }

    /// Whether it publishes anything.
    pub(crate) fn publishes(self) -> bool {
        matches!(self, Self::Order | Self::Payment)
    }
}

/// A kind of message; each has one publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A step.
    CreatePayment,
    /// An event.
    OrderUpdated,
    /// An event that follows a step.
    PaymentCreated,
}

impl Kind {
    /// Returns who publishes it.
    pub(crate) fn publisher(self) -> ServiceName {
        match self {
            Self::CreatePayment | Self::OrderUpdated => ServiceName::Order,
            Self::PaymentCreated => ServiceName::Payment,
        }
    }
}

/// The id of a message: its own number, and whether it follows another message of that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    /// Counts commands and scheduled messages.
    pub origin: u64,
    /// Whether a reaction published it: the same reaction derives the same id again.
    pub derived: bool,
}

/// Within a series numbers are given 1, 2, 3 … without a gap: `ce-outbox` and the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Series {
    /// Who gives the numbers.
    pub publisher: ServiceName,
    /// One for each start of an instance, never used again.
    pub outbox: u64,
    /// The kind.
    pub kind: Kind,
}

/// A message as it is stored in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Who numbered it, and within what.
    pub series: Series,
    /// `ce-number`: its number in the series.
    pub number: u64,
    /// `ce-id`.
    pub id: Id,
    /// The order it concerns.
    pub key: u8,
    /// Whether it only stands for a number whose message is not to be processed.
    pub placeholder: bool,
}
