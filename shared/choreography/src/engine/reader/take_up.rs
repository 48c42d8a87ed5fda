//! Taking up a kind of messages: what was published before was not meant for this service.
//!
//! A note of the publisher says exactly what that is. Without one, whatever comes first begins a series.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use jiff::Timestamp;
use uuid::Uuid;

use super::session::ReadingSession;
use super::{PublisherNote, StopReason};
use crate::bus::StreamState;
use crate::store::{Range, ReadingState, SeriesId, SeriesRange, Subscription};

/// How long a note of a publisher is awaited: it writes one a second, if it runs.
const NOTE_AWAITED_MAX: Duration = Duration::from_secs(3);
/// How often it is looked for.
const NOTE_LOOKED_FOR_EVERY: Duration = Duration::from_millis(200);

impl ReadingSession<'_> {
    /// Takes up the kinds that the consumer receives and that are not taken up yet. Returns whether there were any.
    pub(super) async fn take_up(&self, stream: &StreamState, state: &ReadingState) -> Result<bool, StopReason> {
        let is_known = |publisher: &str, kind: &str| {
            let mut known = state.subscriptions.iter();
            known.any(|known| (&*known.publisher, &*known.kind) == (publisher, kind))
        };
        let new = self.sources.0.iter().filter(|(publisher, kind)| !is_known(publisher, kind));
        let new: Vec<(Arc<str>, Arc<str>)> = new.map(|(p, kind)| (p.as_str().into(), kind.as_str().into())).collect();
        if new.is_empty() {
            return Ok(false);
        }
        // A new database in a stream of which nothing was deleted can read everything.
        let is_new = state.subscriptions.is_empty() && state.head.position.sequence == 0 && stream.first <= 1;
        let since_outbox = if is_new { Uuid::nil() } else { self.reader.settings.clock.new_id() };
        let notes = match state.subscriptions.is_empty() {
            true => HashMap::new(),
            false => self.fresh_notes(new.iter().map(|(publisher, _)| publisher), stream).await?,
        };
        for (publisher, kind) in new {
            let note = notes.get(&publisher);
            let since_outbox = if note.is_some() { Uuid::nil() } else { since_outbox };
            let received = note.map_or_else(Vec::new, |note| settled(note, &kind));
            let (now, store) = (self.reader.settings.clock.now(), &self.reader.store);
            store.take_up(self.epoch, &Subscription { publisher, kind, since_outbox }, &received, now).await?;
        }
        Ok(true)
    }

    /// Returns the notes that publishers write from now on, of those that do so within some seconds. An earlier note may
    /// lack messages that were stored and not acknowledged yet.
    async fn fresh_notes(
        &self,
        publishers: impl Iterator<Item = &Arc<str>> + Clone,
        stream: &StreamState,
    ) -> Result<HashMap<Arc<str>, PublisherNote>, StopReason> {
        let mut before: HashMap<Arc<str>, Option<Timestamp>> = HashMap::new();
        let mut fresh = HashMap::new();
        for _ in 0..NOTE_AWAITED_MAX.as_millis() / NOTE_LOOKED_FOR_EVERY.as_millis() {
            for publisher in publishers.clone() {
                let progress = self.connection.progress(publisher).await?;
                let written_at = progress.as_ref().map(|progress| progress.at);
                let first = *before.entry(publisher.clone()).or_insert(written_at);
                if let Some(note) = progress.filter(|_| written_at != first)
                    && let Some(note) = PublisherNote::read(publisher, note, stream)
                {
                    fresh.entry(publisher.clone()).or_insert(note);
                }
            }
            if publishers.clone().all(|publisher| fresh.contains_key(publisher)) {
                break;
            }
            tokio::time::sleep(NOTE_LOOKED_FOR_EVERY).await;
        }
        Ok(fresh)
    }
}

/// Returns the numbers of a kind that a publisher had published.
fn settled(note: &PublisherNote, kind: &Arc<str>) -> Vec<SeriesRange> {
    let of_kind = note.settled.iter().filter(|(_, noted, _)| noted == kind);
    let range = |(outbox, _, last): &(Uuid, Arc<str>, u64)| SeriesRange {
        series: SeriesId { publisher: note.publisher.clone(), outbox: *outbox, kind: kind.clone() },
        range: Range { first: 0, last: *last },
    };
    of_kind.map(range).collect()
}
