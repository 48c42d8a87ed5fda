//! The worker's view of the stream: its checkpoint, the messages that wait for a batch, and when something is due.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::bus::Delivery;
use crate::engine::checkpoint::Checkpoint;
use crate::engine::reader::Feed;
use crate::settings::BATCH_MAX;
use crate::store::{Advance, Checkpoint as Place};

/// How far the worker has processed the stream, and what it does next. Empty while another instance reads.
#[derive(Default)]
pub(super) struct Reading {
    pub checkpoint: Option<Checkpoint>,
    /// Delivered messages that are not part of a batch yet.
    pub deliveries: VecDeque<Delivery>,
    /// When the next scheduled message is published or the next waiting message expires.
    pub due: Option<Timestamp>,
    /// Since when messages have been read without a restart: the inbox is not trimmed soon after one.
    pub since: Option<Timestamp>,
}

impl Reading {
    /// Takes what the reader has sent. What was read under another epoch is dropped.
    pub(super) fn take(&mut self, feed: Feed, now: Timestamp) {
        match feed {
            Feed::Begin { epoch, position } => {
                self.deliveries.clear();
                self.since = Some(now);
                self.due = Some(now);
                self.checkpoint = Some(Checkpoint::begin(epoch, position, now));
            }
            Feed::Messages { epoch, deliveries } => {
                if self.checkpoint_of(epoch).is_some() {
                    self.deliveries.extend(deliveries);
                }
            }
            Feed::Alive { epoch, at, passed } => {
                if let Some(checkpoint) = self.checkpoint_of(epoch) {
                    checkpoint.alive = at;
                    checkpoint.passed = passed.unwrap_or(checkpoint.passed);
                }
            }
        }
    }

    fn checkpoint_of(&mut self, epoch: i64) -> Option<&mut Checkpoint> {
        self.checkpoint.as_mut().filter(|checkpoint| checkpoint.epoch == epoch)
    }

    /// Removes and returns the next messages, at most a batch.
    pub(super) fn drain(&mut self) -> Vec<Delivery> {
        let count = self.deliveries.len().min(BATCH_MAX);
        self.deliveries.drain(..count).collect()
    }

    /// Returns when something is due; none while another instance reads.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due.filter(|_| self.checkpoint.is_some())
    }

    /// Returns by how much a batch that ends with a delivery moves the position.
    pub(super) fn advance(&self, last: Option<&Delivery>) -> Option<Advance> {
        self.checkpoint.as_ref().zip(last).map(|(checkpoint, last)| Advance {
            epoch: checkpoint.epoch,
            from: checkpoint.position,
            to: Place { sequence: last.stream_sequence, ..Place::default() },
            restart_position: checkpoint.restart_position,
        })
    }

    /// Records that a batch was committed that ended with this delivery.
    pub(super) fn advanced(&mut self, last: Option<&Delivery>) {
        if let (Some(checkpoint), Some(last)) = (&mut self.checkpoint, last) {
            checkpoint.position = last.stream_sequence;
        }
    }

    /// Stops reading, and returns the epoch under which this instance read.
    pub(super) fn stop(&mut self) -> Option<i64> {
        self.deliveries.clear();
        self.since = None;
        self.checkpoint.take().map(|checkpoint| checkpoint.epoch)
    }
}
