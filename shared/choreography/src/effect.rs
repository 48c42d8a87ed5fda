//! Effects: what a service does to the world outside, as async functions.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::message::{Hear, Heard, Message};
use crate::step::{Otherwise, Step};
use crate::words::{Said, Saying, Word, Words};

/// An async function of something heard and the means to do it: `async fn(&OrderUpdated, &Mailer) -> Result<W>`.
///
/// A helper for bounds: it is implemented for every such function, and nothing else implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no effect",
    label = "an effect is `async fn(&M, &Means) -> anyhow::Result<what it says>`"
)]
pub trait Effect<'a, H: 'a, D: 'a> {
    /// What the future gives.
    type Output;
    /// The future.
    type Future: Future<Output = Self::Output> + Send + 'a;
    /// Calls the function.
    fn call(&self, heard: &'a H, means: &'a D) -> Self::Future;
}

impl<'a, H: 'a, D: 'a, F, T> Effect<'a, H, D> for F
where
    F: Fn(&'a H, &'a D) -> T,
    T: Future + Send + 'a,
{
    type Output = T::Output;
    type Future = T;
    fn call(&self, heard: &'a H, means: &'a D) -> T {
        self(heard, means)
    }
}

type Running = Pin<Box<dyn Future<Output = anyhow::Result<Vec<Said>>> + Send>>;
type Run = Arc<dyn Fn(Bytes, Uuid, Timestamp) -> Running + Send + Sync>;

/// An effect, with its types erased.
pub(crate) struct EffectStep {
    pub message: &'static str,
    pub version: u32,
    pub words: Vec<Word>,
    pub otherwise: Option<Otherwise>,
    /// What the service does with one of the answers itself.
    pub then: Option<Step>,
    /// Whether a payload can be read, checked before it is queued.
    pub readable: fn(&[u8]) -> Result<(), String>,
    run: Run,
}

impl EffectStep {
    pub(crate) fn new<H, D, W, F>(function: F, means: Arc<D>) -> Self
    where
        H: Hear + Send + Sync,
        D: Send + Sync + 'static,
        W: Words + 'static,
        F: for<'a> Effect<'a, H, D, Output = anyhow::Result<W>> + Send + Sync + 'static,
    {
        let mut words = Vec::new();
        W::vocabulary(&mut words);
        let function = Arc::new(function);
        let run: Run = Arc::new(move |payload: Bytes, id, now| {
            let (function, means) = (function.clone(), means.clone());
            Box::pin(async move {
                let message: H::Message = serde_json::from_slice(&payload)?;
                let heard = Heard::new(message, id, now);
                let words = function.call(H::of(&heard), &means).await?;
                let mut saying = Saying::default();
                words.say(&mut saying);
                saying.finish().map_err(|error| anyhow::anyhow!("{error:?}"))
            })
        });
        Self {
            message: H::Message::NAME,
            version: H::Message::VERSION,
            words,
            otherwise: None,
            then: None,
            readable: |payload| {
                let message: Result<H::Message, _> = serde_json::from_slice(payload);
                message.map(drop).map_err(|error| format!("the payload is unreadable: {error}"))
            },
            run,
        }
    }

    /// Runs it once.
    pub(crate) fn run(&self, payload: Bytes, id: Uuid, now: Timestamp) -> Running {
        (self.run)(payload, id, now)
    }
}
