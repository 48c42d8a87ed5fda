//! Messages one by one, where the process may die of one of them: the one that kills it is found, and dies alone.

use uuid::Uuid;

use super::Worker;
use crate::engine::batch::BatchInput;
use crate::settings::BATCH_MAX;
use crate::wire::envelope::Heading;

/// When so many processes have died while they tried a message by itself, it is taken for deadly: once may be chance.
const DEATHS_MAX: u32 = 2;

/// So many messages are done one by one when the last run died where this one begins: two batches, of which the first may
/// have been under way.
const GUARDED_MESSAGES: usize = 2 * BATCH_MAX;

impl Worker {
    /// Whether each message has to be done by itself: where this run begins, the last one began and died.
    pub(super) async fn is_one_by_one(&mut self, input: &BatchInput) -> bool {
        if input.deliveries.is_empty() || self.state.checkpoint.is_none() {
            return false;
        }
        if self.state.one_by_one.is_none() {
            match self.store.begin_run().await {
                Ok(last) => {
                    self.state.one_by_one = Some(if last.died_here { GUARDED_MESSAGES } else { 0 });
                    self.state.suspect = last.suspect;
                }
                Err(error) => self.shared.note_database(Err(error.to_string())),
            }
        }
        self.state.one_by_one.is_some_and(|left| left > 0)
    }

    /// Does each message by itself, noting first which one it is: one that kills the process is known by that. The rest is
    /// done before, so that it is not blamed for it.
    pub(super) async fn batch_one_by_one(&mut self, mut input: BatchInput) {
        let deliveries = std::mem::take(&mut input.deliveries);
        self.batch(input).await;
        for delivery in deliveries {
            self.state.one_by_one = self.state.one_by_one.map(|left| left.saturating_sub(1));
            let deadly = match Heading::read(&delivery.envelope) {
                Ok(heading) => self.try_by_itself(heading.id).await,
                Err(_) => None,
            };
            if self.state.checkpoint.is_some() {
                self.batch(BatchInput { deliveries: vec![delivery], deadly, ..BatchInput::default() }).await;
            }
        }
    }

    /// Notes that a message is tried; it and its deaths if it is not to be tried any more. Until the one that was tried
    /// last has had its turn, it stays noted: whatever comes before it was done by then.
    async fn try_by_itself(&mut self, id: Uuid) -> Option<(Uuid, u32)> {
        match self.state.suspect {
            Some((suspect, _)) if suspect != id => None,
            Some((_, deaths)) => {
                self.state.suspect = None;
                (deaths >= DEATHS_MAX).then_some((id, deaths))
            }
            None => {
                if let Err(error) = self.store.try_message(id).await {
                    self.shared.note_database(Err(error.to_string()));
                }
                None
            }
        }
    }
}
