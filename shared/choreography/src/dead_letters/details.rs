//! One dead letter, whole: its payload and headers, and the story that led to the death.

use std::collections::VecDeque;

use anyhow::Result;
use async_nats::Client;
use jiff::Timestamp;

use super::dead_letter::DeadLetter;
use super::entry::Entry;
use super::filter::Filter;
use super::stream_reader::{StartAt, StreamReader, message};
use super::survey::survey;
use super::window::MARKS;
use crate::bus::Stored;
use crate::wire::dead_letter::{self, DEAD_LETTERS, EVENTS};
use crate::wire::envelope::Envelope;
use crate::wire::subject::check_key;

/// At most so many messages of a story are kept: the last ones before the death.
pub const STORY_MAX: usize = 1_000;

/// A dead letter with everything about it.
#[derive(Debug, Clone)]
pub struct Details {
    /// The dead letter, and what became of it.
    pub found: Entry,
    /// The dead letter as it is in the stream.
    pub envelope: Envelope,
    /// What was said of its key until it died, in order; the message itself is the last, if the stream still has it.
    pub story: Vec<Told>,
    /// How many earlier messages of the story are left out.
    pub left_out: usize,
    /// The replays and drops of this dead letter that were asked for since.
    pub asked: Vec<Told>,
}

/// A message of a story.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its sequence in the stream of events.
    pub sequence: u64,
    /// When the server stored it.
    pub time: Timestamp,
    /// The message.
    pub envelope: Envelope,
}

/// One dead letter, whole; none if there is no dead letter at this place of the stream.
///
/// # Errors
/// The server can't be asked, or has no such stream.
pub async fn details(client: &Client, sequence: u64) -> Result<Option<Details>> {
    let stored = message(client, DEAD_LETTERS, sequence).await?;
    let Some(stored) = stored.filter(|stored| dead_letter::parts(&stored.envelope.subject).is_some()) else {
        return Ok(None);
    };
    let dead_letter = DeadLetter::read(&stored);
    let found = survey(client, &Filter::one(sequence), &mut |_| ()).await?;
    let Some(found) = found.into_iter().next() else { return Ok(None) };
    let mut details = Details { found, envelope: stored.envelope, story: Vec::new(), left_out: 0, asked: Vec::new() };
    if !dead_letter.is_notice() && check_key(&dead_letter.key).is_ok() {
        details.read_story(client, &dead_letter).await?;
    }
    Ok(Some(details))
}

impl Details {
    async fn read_story(&mut self, client: &Client, dead_letter: &DeadLetter) -> Result<()> {
        let mark = dead_letter.mark();
        let mut story = VecDeque::new();
        let told = StreamReader::new(client, EVENTS, format!("*.*.{}", dead_letter.key), StartAt::Sequence(1));
        told.each(|stored| {
            let until_death = match dead_letter.event {
                Some(event) => stored.sequence <= event,
                None => stored.at <= dead_letter.time,
            };
            if until_death {
                story.push_back(Told::from(stored));
                if story.len() > STORY_MAX {
                    story.pop_front();
                    self.left_out += 1;
                }
            } else if MARKS.iter().any(|name| stored.envelope.header(name) == Some(&mark)) {
                self.asked.push(stored.into());
            }
            Ok(())
        })
        .await?;
        self.story = story.into();
        Ok(())
    }
}

impl From<Stored> for Told {
    fn from(Stored { sequence, at: time, envelope }: Stored) -> Self {
        Self { sequence, time, envelope }
    }
}
