//! One connection's work: which row is published next, and which rows are not acknowledged yet.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;

use super::held::{HeldRows, marked, message_of};
use super::lanes::Lanes;
use super::pace::Paces;
use super::progress::RelayProgress;
use crate::breaker::{BreakerSnapshot, CircuitState};
use crate::bus::{Acknowledgement, BusError, Connection};
use crate::clock::{Clock, later};
use crate::settings::WINDOW_MAX;
use crate::store::OutboxRow;

/// The largest number of rows in memory that are ready to be published, a few megabytes; more are read from the
/// database.
const READY_MAX: usize = 8 * WINDOW_MAX;

pub(super) struct Window<'a> {
    pub(super) connection: &'a dyn Connection,
    pub(super) outstanding: VecDeque<(i64, Acknowledgement)>,
    pub(super) ready: VecDeque<OutboxRow>,
    /// The number of the row that leaves `ready` next: to the server, or into its lane.
    pub(super) next: i64,
    pub(super) lanes: Lanes,
    pub(super) breaker: Arc<BreakerSnapshot>,
    /// The names of the messages that have circuits.
    circuit_messages: &'a BTreeSet<&'static str>,
    clock: Clock,
    /// The numbers of the rows that were acknowledged last.
    acknowledged: Vec<i64>,
}

impl<'a> Window<'a> {
    pub(super) fn new(
        connection: &'a dyn Connection,
        next: i64,
        breaker: Arc<BreakerSnapshot>,
        circuit_messages: &'a BTreeSet<&'static str>,
        clock: Clock,
    ) -> Self {
        let (outstanding, ready, lanes) = (VecDeque::new(), VecDeque::new(), Lanes::default());
        let acknowledged = Vec::new();
        Self { connection, outstanding, ready, next, lanes, breaker, circuit_messages, clock, acknowledged }
    }

    /// Takes the rows that follow those in memory; the others are read from the database later.
    pub(super) fn take(&mut self, rows: Vec<OutboxRow>) {
        let mut expected = self.ready.back().map_or(self.next, |row| row.number + 1);
        for row in rows {
            if row.number == expected && self.ready.len() < READY_MAX {
                expected += 1;
                self.ready.push_back(row);
            }
        }
    }

    /// Publishes the rows that may be published, as long as the window has room.
    pub(super) async fn send(
        &mut self,
        progress: &RelayProgress,
        held: &mut HeldRows,
        paces: &mut Paces,
    ) -> Result<(), BusError> {
        let now = self.clock.now();
        if !self.lanes.is_empty() {
            self.lanes.note_held(&self.breaker, held);
            while self.outstanding.len() < WINDOW_MAX
                && let Some(row) = self.lanes.pass(&self.breaker, now, paces)
            {
                self.publish(&row, held).await?;
            }
        }
        while self.outstanding.len() < WINDOW_MAX
            && let Some(row) = self.ready.pop_front()
        {
            self.next = row.number + 1;
            if progress.is_acknowledged(row.number) {
                continue;
            }
            if let Some(row) = self.sort(row, now, paces) {
                self.publish(&row, held).await?;
            }
        }
        if !self.lanes.is_empty() {
            self.lanes.note_held(&self.breaker, held);
        }
        Ok(())
    }

    /// Puts a row into its lane if it must wait there, or counts and returns it.
    fn sort(&mut self, row: OutboxRow, now: Timestamp, paces: &mut Paces) -> Option<OutboxRow> {
        let subject = row.envelope.subject.clone();
        let message = message_of(&subject).filter(|message| self.circuit_messages.contains(message));
        let Some(message) = message else { return Some(row) };
        let is_closed = self.breaker.all_closed() || self.breaker.state(message) == CircuitState::Closed;
        if is_closed && !self.lanes.has(message) {
            paces.count(message, now);
            return Some(row);
        }
        self.lanes.take(row, message, later(now, paces.pause(message, now)));
        None
    }

    async fn publish(&mut self, row: &OutboxRow, held: &HeldRows) -> Result<(), BusError> {
        let acknowledgement = match held.contains(row) {
            true => self.connection.publish(&marked(&row.envelope)).await?,
            false => self.connection.publish(&row.envelope).await?,
        };
        self.outstanding.push_back((row.number, acknowledgement));
        Ok(())
    }

    /// Waits for the acknowledgement of the row that was published first, and takes those after it that have arrived,
    /// too.
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

    /// Removes and returns the numbers of the rows that were acknowledged last.
    pub(super) fn take_acknowledged(&mut self) -> impl Iterator<Item = i64> {
        self.acknowledged.drain(..)
    }
}
