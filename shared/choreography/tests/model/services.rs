//! The services of a story, and how large their tables became.

use std::ops::{Index, IndexMut};

use crate::message::ServiceName;
use crate::service::Service;

/// How much the tables held at most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    /// Rows of `outbox`.
    pub outbox: usize,
    /// Rows of `given`.
    pub given: usize,
    /// Rows of `received`.
    pub received: usize,
    /// Missing ranges.
    pub gaps: usize,
}

impl Sizes {
    /// Returns the larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        let (outbox, given) = (self.outbox.max(other.outbox), self.given.max(other.given));
        Self { outbox, given, received: self.received.max(other.received), gaps: self.gaps.max(other.gaps) }
    }
}

/// The services by name.
pub(crate) struct Services(pub [Service; 4]);

impl Index<ServiceName> for Services {
    type Output = Service;

    fn index(&self, name: ServiceName) -> &Service {
        &self.0[name as usize]
    }
}

impl IndexMut<ServiceName> for Services {
    fn index_mut(&mut self, name: ServiceName) -> &mut Service {
        &mut self.0[name as usize]
    }
}

impl Service {
    /// Returns how much its tables hold.
    pub(crate) fn sizes(&self) -> Sizes {
        let received = &self.database.received;
        let gaps = received.series().map(|series| received.missing(series, 0, false).len()).sum();
        let (outbox, given) = (self.database.outbox.len(), self.database.given.len());
        Sizes { outbox, given, received: received.rows(), gaps }
    }
}
