//! One connection's work: which row is published next, and which rows are not acknowledged yet.
//!
//! What must hold: of one series the rows leave in ascending order, but for those that the stream has lost.

use std::collections::VecDeque;

use futures::FutureExt;
use jiff::Timestamp;

use super::error::RelayError;
use super::gate::Gate;
use super::held::{HeldRows, marked, message_of};
use super::lanes::Lanes;
use super::pace::Paces;
use super::published::{PublishedRows, SentRow};
use crate::breaker::CircuitState;
use crate::bus::{Acknowledgement, Connection};
use crate::clock::{Clock, later};
use crate::planted::{PlantedBug, planted};
use crate::settings::WINDOW_MAX;
use crate::store::OutboxRow;

/// The largest number of rows in memory that are ready to be published, a few megabytes; more are read from the
/// database.
const READY_MAX: usize = 8 * WINDOW_MAX;

pub(super) struct Window<'a> {
    pub(super) connection: &'a dyn Connection,
    pub(super) outstanding: VecDeque<Outstanding>,
    pub(super) ready: VecDeque<OutboxRow>,
    /// The number of the row that leaves `ready` next: to the server, or into its lane.
    pub(super) next: i64,
    pub(super) lanes: Lanes,
    pub(super) gate: Gate<'a>,
    clock: Clock,
    pub(super) published: PublishedRows,
}

/// A row that was published and is not acknowledged yet.
pub(super) struct Outstanding {
    sent: SentRow,
    acknowledgement: Acknowledgement,
}

impl<'a> Window<'a> {
    pub(super) fn new(connection: &'a dyn Connection, published: PublishedRows, gate: Gate<'a>, clock: Clock) -> Self {
        let (outstanding, ready, lanes) = (VecDeque::new(), VecDeque::new(), Lanes::default());
        let next = published.acknowledged.next();
        Self { connection, outstanding, ready, next, lanes, gate, clock, published }
    }

    /// Takes the rows that follow those in memory, as they were read from the database: a number that it has no row of
    /// is forgotten.
    pub(super) fn take_page(&mut self, rows: Vec<OutboxRow>) {
        let expected = self.ready.back().map_or(self.next, |row| row.number + 1);
        let room = READY_MAX.saturating_sub(self.ready.len());
        self.ready.extend(rows.into_iter().skip_while(|row| row.number < expected).take(room));
    }

    /// Takes the rows that follow those in memory without a gap; the others are read from the database later.
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
    pub(super) async fn send(&mut self, held: &mut HeldRows, paces: &mut Paces) -> Result<(), RelayError> {
        if self.lanes.is_empty() && self.ready.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        if !self.lanes.is_empty() {
            self.lanes.note_held(&self.gate, held);
            while self.outstanding.len() < WINDOW_MAX
                && let Some(row) = self.lanes.pass(&self.gate, now, paces)
            {
                self.publish(row, held).await?;
            }
        }
        while self.outstanding.len() < WINDOW_MAX
            && let Some(row) = self.ready.pop_front()
        {
            self.next = row.number + 1;
            if self.published.acknowledged.contains(row.number) {
                continue;
            }
            if let Some(row) = self.sort(row, now, paces) {
                self.publish(row, held).await?;
            }
        }
        if !self.lanes.is_empty() {
            self.lanes.note_held(&self.gate, held);
        }
        Ok(())
    }

    /// Puts a row into its lane if it must wait there, or counts and returns it.
    fn sort(&mut self, row: OutboxRow, now: Timestamp, paces: &mut Paces) -> Option<OutboxRow> {
        let subject = row.envelope.subject.clone();
        let Some(message) = message_of(&subject) else { return Some(row) };
        if self.gate.state(&row) == CircuitState::Closed && !self.lanes.has(message) {
            if self.gate.has_circuit(message) {
                paces.count(message, now);
            }
            return Some(row);
        }
        self.lanes.take(row, message, later(now, paces.pause(message, now)));
        None
    }

    async fn publish(&mut self, row: OutboxRow, held: &HeldRows) -> Result<(), RelayError> {
        RelayError::check_size(&row)?;
        let acknowledgement = match held.contains(&row) {
            true => self.connection.publish(&marked(&row.envelope)).await,
            false => self.connection.publish(&row.envelope).await,
        };
        let acknowledgement = acknowledgement.map_err(|error| RelayError::of_row(error, row.number))?;
        self.outstanding.push_back(Outstanding { sent: self.published.sent(&row), acknowledgement });
        Ok(())
    }

    /// Waits for the acknowledgement of the row that was published first, and takes those after it that have arrived,
    /// too.
    pub(super) async fn acknowledged(&mut self) -> Result<(), RelayError> {
        let Some(Outstanding { acknowledgement, .. }) = self.outstanding.front_mut() else { return Ok(()) };
        let mut arrived = Some(acknowledgement.await);
        let now = self.clock.now();
        while let Some(acknowledged) = arrived {
            let Some(Outstanding { sent, .. }) = self.outstanding.pop_front() else { break };
            let sequence = match acknowledged {
                Err(_) if planted(PlantedBug::AcknowledgementTakenForGranted) => 0,
                acknowledged => acknowledged.map_err(|error| RelayError::of_row(error, sent.row))?,
            };
            self.published.stored(sent, sequence, now);
            let next = self.outstanding.front_mut();
            arrived = next.and_then(|outstanding| (&mut outstanding.acknowledgement).now_or_never());
        }
        Ok(())
    }
}
