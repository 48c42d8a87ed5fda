//! What is done once an hour: numbers are deleted that nobody needs any more.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::reading::Reading;
use crate::clock::{earlier, later};
use crate::settings::Settings;
use crate::store::{Store, StoreError};

/// How often it is done.
const EVERY: Duration = Duration::from_secs(3_600);
/// How many times as long as dead letters are kept, which are the oldest messages, highest numbers are kept.
const KEPT_TIMES: u32 = 2;
/// How long the numbers of a received series are kept after its last message: twice as long as the stream keeps a
/// message.
const RECEIVED_KEPT: Duration = Duration::from_secs(14 * 24 * 3_600);

/// The hourly work of a service on its database.
#[derive(Default)]
pub(super) struct Hourly {
    last: Option<Timestamp>,
}

impl Hourly {
    /// Records that the process of this outbox runs, and deletes old numbers, if this instance leads. Does nothing if
    /// less than an hour has passed.
    pub(super) async fn run(
        &mut self,
        store: &dyn Store,
        settings: &Settings,
        outbox: Uuid,
        reading: &mut Reading,
    ) -> Result<(), StoreError> {
        let now = settings.clock.now();
        if self.last.is_some_and(|last| later(last, EVERY) > now) {
            return Ok(());
        }
        store.keep_given(outbox, now).await?;
        if let Some(epoch) = reading.epoch {
            // A message in a stream of an outbox that is not known any more would be taken for one that the database
            // has lost.
            store.forget_given(epoch, earlier(now, settings.dead_kept * KEPT_TIMES)).await?;
            // Of a series that its publisher does not name any more the stream can't have a message.
            for (publisher, named) in reading.notes.named() {
                let forgotten = store.forget_received(epoch, publisher, &named, earlier(now, RECEIVED_KEPT)).await?;
                reading.received.forget(&forgotten);
            }
        }
        self.last = Some(now);
        Ok(())
    }
}
