//! One dead letter with its payload and headers, and the story that led to the death.

use std::collections::VecDeque;

use async_nats::Client;

use super::dead_letter::DeadLetter;
use super::entry::Entry;
use super::error::DeadLettersError;
use super::filter::Filter;
use super::list::list;
use super::publish_window::REPAIR_HEADERS;
use crate::bus::jetstream::single_message::{Position, message};
use crate::bus::jetstream::stored_messages::StreamReader;
use crate::bus::{BusError, ReadFrom, Stored};
use crate::wire::dead_letter::{self, DEAD_LETTERS, EVENTS};
use crate::wire::envelope::Envelope;
use crate::wire::subject::check_key;

/// The most messages of a story that are kept: the last ones before the death.
pub const STORY_MAX: usize = 1_000;

/// A dead letter with everything that is known about it.
#[derive(Debug, Clone)]
pub struct Details {
    /// The dead letter and its state.
    pub entry: Entry,
    /// The dead letter as it is in the stream.
    pub envelope: Envelope,
    /// The messages of its key until it died, in order. The last is the message itself, if the stream still has it.
    pub story: Vec<Stored>,
    /// How many earlier messages of the story are left out, see [`STORY_MAX`].
    pub story_left_out: usize,
    /// The replays and drops of this dead letter that were published since.
    pub repairs: Vec<Stored>,
}

/// Returns one dead letter with everything that is known about it; none if there is no dead letter of this sequence.
///
/// # Errors
/// The server can't be reached, or has no such stream.
pub async fn details(client: &Client, sequence: u64) -> Result<Option<Details>, DeadLettersError> {
    let stored = message(client, DEAD_LETTERS, Position::At(sequence)).await?;
    let Some(stored) = stored.filter(|stored| dead_letter::parts(&stored.envelope.subject).is_some()) else {
        return Ok(None);
    };
    let entries = list(client, &Filter::one(sequence), &mut |_| ()).await?;
    let Some(entry) = entries.into_iter().next() else { return Ok(None) };
    let dead_letter = entry.dead_letter.clone();
    let (story, repairs) = (Vec::new(), Vec::new());
    let mut details = Details { entry, envelope: stored.envelope, story, story_left_out: 0, repairs };
    if !dead_letter.is_notice() && check_key(&dead_letter.key).is_ok() {
        details.read_story(client, &dead_letter).await?;
    }
    Ok(Some(details))
}

impl Details {
    async fn read_story(&mut self, client: &Client, dead_letter: &DeadLetter) -> Result<(), DeadLettersError> {
        let mark = dead_letter.mark();
        let mut story = VecDeque::new();
        let messages = StreamReader::new(client, EVENTS, format!("*.*.{}", dead_letter.key), ReadFrom::Sequence(1));
        let take = |stored: Stored| {
            let until_death = match dead_letter.event_sequence {
                Some(event) => stored.sequence <= event,
                None => stored.at <= dead_letter.stored_at,
            };
            if until_death {
                story.push_back(stored);
                if story.len() > STORY_MAX {
                    story.pop_front();
                    self.story_left_out += 1;
                }
            } else if REPAIR_HEADERS.iter().any(|name| stored.envelope.header(name) == Some(&mark)) {
                self.repairs.push(stored);
            }
            Ok::<_, BusError>(())
        };
        messages.each(take).await?;
        self.story = story.into();
        Ok(())
    }
}
