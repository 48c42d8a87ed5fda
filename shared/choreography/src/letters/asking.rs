//! Having letters replayed or dropped: in their order, at a bounded rate, and not longer than the answers are awaited.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Error, Result};
use async_nats::Client;
use tokio::time::MissedTickBehavior;

use super::answer::Answer;
use super::answers::Answers;
use super::letter::Letter;
use super::post::{Post, Request};

/// What is asked, and how.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What is asked of the services.
    pub request: Request,
    /// At most so many messages a second are published: the services do their work besides.
    pub per_second: NonZeroU32,
    /// How long answers are awaited after the last message was published.
    pub wait_max: Duration,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The letters.
    pub letters: usize,
    /// Those that have been published.
    pub published: usize,
    /// Those that have been answered.
    pub answered: usize,
}

/// What became of what was asked.
#[derive(Debug)]
pub struct Report {
    /// What became of it for each letter, by its sequence.
    pub fates: BTreeMap<u64, Fate>,
    /// Why it was broken off, if it was.
    pub failure: Option<Error>,
}

/// What became of what was asked about a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its service answered.
    Answered(Answer),
    /// It was published, and there is no answer yet.
    Unanswered,
    /// It was not published, for this reason.
    Unpublished(String),
}

/// Has letters replayed or dropped, in the order in which they are given; that should be the stream's. `noted` hears
/// how far it is.
///
/// Asked twice, a service does it once: only while it holds the message for dead with just as many tries.
///
/// # Errors
/// Nothing was published: the server can't be listened to. What goes wrong later is in the report.
pub async fn ask(
    client: &Client,
    asked: &Asked,
    letters: &[Letter],
    noted: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report> {
    let mut answers = Answers::listen(client).await?;
    let mut post = Post::new(client, &asked.request);
    let failure = publish(asked, letters, &mut post, &mut answers, noted).await.err();
    let Post { sent, refused, .. } = post;
    let mut waiting = |answered| noted(Progress { letters: letters.len(), published: sent.len(), answered });
    let waited = match failure {
        None => answers.wait(&sent, asked.wait_max, &mut waiting).await,
        Some(failure) => {
            // There is hardly anything to be heard any more: what can be seen at once is all.
            answers.take_ready();
            answers.look().await.ok();
            Err(failure)
        }
    };
    let fate = |letter: &Letter| {
        let sequence = letter.sequence;
        let fate = match (answers.given().get(&sequence), refused.get(&sequence)) {
            (Some(answer), _) => Fate::Answered(answer.clone()),
            (None, Some(why)) => Fate::Unpublished(why.clone()),
            (None, None) if sent.contains(&sequence) => Fate::Unanswered,
            (None, None) => Fate::Unpublished("it was broken off before".to_owned()),
        };
        (sequence, fate)
    };
    Ok(Report { fates: letters.iter().map(fate).collect(), failure: waited.err() })
}

async fn publish(
    asked: &Asked,
    letters: &[Letter],
    post: &mut Post<'_>,
    answers: &mut Answers<'_>,
    noted: &mut (dyn FnMut(Progress) + Send),
) -> Result<()> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / asked.per_second.get());
    // What was slow is not made up for in a burst.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for letter in letters {
        pace.tick().await;
        answers.expect(letter);
        post.send(letter).await?;
        answers.take_ready();
        noted(Progress { letters: letters.len(), published: post.sent.len(), answered: answers.given().len() });
    }
    post.settle_all().await
}
