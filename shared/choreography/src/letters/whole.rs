//! One letter, whole: its payload and headers, and the story that led to the death.

use std::collections::VecDeque;

use anyhow::Result;
use async_nats::Client;
use jiff::Timestamp;

use super::filter::Filter;
use super::found::Found;
use super::letter::Letter;
use super::post::MARKS;
use super::stored::{Place, Reading, message};
use super::survey::survey;
use super::{DEAD_LETTERS, EVENTS};
use crate::bus::Stored;
use crate::bus::subject::single_token;
use crate::envelope::Envelope;

/// At most so many messages of a story are kept: the last ones before the death.
pub const STORY_MAX: usize = 1_000;

/// A letter with everything about it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The letter, and what became of it.
    pub found: Found,
    /// The letter as it is in the stream.
    pub envelope: Envelope,
    /// What was said of its key until it died, in order; the message itself is the last, if the stream still has it.
    pub story: Vec<Told>,
    /// How many earlier messages of the story are left out.
    pub left_out: usize,
    /// The replays and drops of this letter that were asked for since.
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

/// One letter, whole; none if there is no letter at this place of the stream.
///
/// # Errors
/// The server can't be asked, or has no such stream.
pub async fn whole(client: &Client, sequence: u64) -> Result<Option<Whole>> {
    let stored = message(client, DEAD_LETTERS, sequence).await?;
    let Some(stored) = stored.filter(|stored| stored.envelope.subject.starts_with("dead.")) else { return Ok(None) };
    let letter = Letter::read(&stored);
    let found = survey(client, &Filter::one(sequence), &mut |_| ()).await?;
    let Some(found) = found.into_iter().next() else { return Ok(None) };
    let mut whole = Whole { found, envelope: stored.envelope, story: Vec::new(), left_out: 0, asked: Vec::new() };
    if !letter.is_notice() && single_token(&letter.key).is_ok() {
        whole.read_story(client, &letter).await?;
    }
    Ok(Some(whole))
}

impl Whole {
    async fn read_story(&mut self, client: &Client, letter: &Letter) -> Result<()> {
        let mark = letter.mark();
        let mut story = VecDeque::new();
        let told = Reading::new(client, EVENTS, format!("*.*.{}", letter.key), Place::Sequence(1));
        told.each(|stored| {
            let until_death = match letter.event {
                Some(event) => stored.sequence <= event,
                None => stored.at <= letter.time,
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
