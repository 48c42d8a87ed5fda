//! One connection's work: what is sent next, and what is not acknowledged yet.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;

use super::lanes::{Lanes, kind, marked};
use super::progress::RelayProgress;
use crate::breaker::BreakerSnapshot;
use crate::bus::{Acknowledgement, BusError, Connection};
use crate::clock::{Clock, later};
use crate::settings::WINDOW_MAX;
use crate::store::OutboxRow;

/// At most so many rows in memory that are ready to be sent; the others are read from the database.
const READY_MAX: usize = 8 * WINDOW_MAX;

pub(super) struct Window<'a> {
    pub(super) connection: &'a dyn Connection,
    pub(super) outstanding: VecDeque<(i64, Acknowledgement)>,
    pub(super) ready: VecDeque<OutboxRow>,
    /// The number that leaves `ready` next: to the server, or into its lane.
    pub(super) next: i64,
    pub(super) lanes: Lanes,
    pub(super) breaker_snapshot: Arc<BreakerSnapshot>,
    /// The messages that have circuits.
    pub(super) forward: &'a BTreeSet<&'static str>,
    pub(super) pace: Duration,
    pub(super) clock: Clock,
    /// What was acknowledged last.
    acknowledged: Vec<i64>,
}

impl<'a> Window<'a> {
    pub(super) fn new(
        connection: &'a dyn Connection,
        next: i64,
        breaker_snapshot: Arc<BreakerSnapshot>,
        forward: &'a BTreeSet<&'static str>,
        pace: Duration,
        clock: Clock,
    ) -> Self {
        let (outstanding, ready, lanes) = (VecDeque::new(), VecDeque::new(), Lanes::default());
        Self {
            connection,
            outstanding,
            ready,
            next,
            lanes,
            breaker_snapshot,
            forward,
            pace,
            clock,
            acknowledged: Vec::new(),
        }
    }

    /// Takes rows that follow on what is known; others are read from the database later.
    pub(super) fn take(&mut self, rows: Vec<OutboxRow>) {
        let mut expected = self.ready.back().map_or(self.next, |row| row.number + 1);
        for row in rows {
            if row.number == expected && self.ready.len() < READY_MAX {
                expected += 1;
                self.ready.push_back(row);
            }
        }
    }

    /// Sends what may be sent, as long as the window has room.
    pub(super) async fn send(&mut self, progress: &mut RelayProgress) -> Result<(), BusError> {
        if !self.lanes.is_empty() {
            self.lanes.hold(&self.breaker_snapshot, progress);
            let now = self.clock.now();
            while self.outstanding.len() < WINDOW_MAX
                && let Some(row) = self.lanes.pass(&self.breaker_snapshot, now, self.pace)
            {
                self.publish(&row, progress).await?;
            }
        }
        while self.outstanding.len() < WINDOW_MAX
            && let Some(row) = self.ready.pop_front()
        {
            self.next = row.number + 1;
            if progress.is_acknowledged(row.number) {
                continue;
            }
            // While all is closed and nothing waits, nobody looks what kind it is.
            let free = self.breaker_snapshot.all_closed() && self.lanes.is_empty();
            if let Some(row) = if free { Some(row) } else { self.sort(row) } {
                self.publish(&row, progress).await?;
            }
        }
        if !self.lanes.is_empty() {
            self.lanes.hold(&self.breaker_snapshot, progress);
        }
        Ok(())
    }

    /// Puts a row into its lane, if it must wait there.
    fn sort(&mut self, row: OutboxRow) -> Option<OutboxRow> {
        let subject = row.envelope.subject.clone();
        let kind = kind(&subject).filter(|kind| self.forward.contains(kind));
        let Some(kind) = kind else { return Some(row) };
        let due = later(self.clock.now(), self.pace);
        self.lanes.take(row, kind, &self.breaker_snapshot, due)
    }

    async fn publish(&mut self, row: &OutboxRow, progress: &RelayProgress) -> Result<(), BusError> {
        let acknowledgement = match progress.was_held(row) {
            true => self.connection.publish(&marked(&row.envelope)).await?,
            false => self.connection.publish(&row.envelope).await?,
        };
        self.outstanding.push_back((row.number, acknowledgement));
        Ok(())
    }

    /// The message that was sent first, and all after it that are acknowledged already: their numbers.
    pub(super) async fn acknowledged(&mut self) -> Result<(), BusError> {
        self.acknowledged.clear();
        while let Some((number, acknowledgement)) = self.outstanding.front_mut() {
            if self.acknowledged.is_empty() {
                acknowledgement.await?;
            } else {
                match acknowledgement.now_or_never() {
                    Some(acknowledged) => drop(acknowledged?),
                    None => break,
                }
            }
            self.acknowledged.push(*number);
            self.outstanding.pop_front();
        }
        Ok(())
    }

    pub(super) fn note(&mut self, progress: &mut RelayProgress, now: Timestamp) {
        progress.note(self.acknowledged.drain(..), now);
    }
}
