//! Effects: what a service does to the world outside, as async functions.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::declare::handler::{Fallback, Handler};
use crate::declare::message::{Incoming, Message, ReactionInput};
use crate::declare::outgoing::{Collector, Outgoing, OutgoingMessage, OutgoingType};

/// An async function of something received and the means to do it: `async fn(&OrderUpdated, &Mailer) -> Result<W>`.
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
    fn call(&self, incoming: &'a H, means: &'a D) -> Self::Future;
}

impl<'a, H: 'a, D: 'a, F, T> Effect<'a, H, D> for F
where
    F: Fn(&'a H, &'a D) -> T,
    T: Future + Send + 'a,
{
    type Output = T::Output;
    type Future = T;
    fn call(&self, incoming: &'a H, means: &'a D) -> T {
        self(incoming, means)
    }
}

type EffectFuture = Pin<Box<dyn Future<Output = anyhow::Result<Vec<OutgoingMessage>>> + Send>>;
type Run = Arc<dyn Fn(Bytes, Uuid, Timestamp) -> EffectFuture + Send + Sync>;

/// An effect, with its types erased.
pub(crate) struct EffectHandler {
    pub message: &'static str,
    pub version: u32,
    pub publishes: Vec<OutgoingType>,
    pub fallback: Option<Fallback>,
    /// What the service does with one of the answers itself.
    pub then: Option<Handler>,
    /// Whether a payload can be read, checked before it is queued.
    pub readable: fn(&[u8]) -> Result<(), String>,
    run: Run,
}

impl EffectHandler {
    pub(crate) fn new<H, D, W, F>(function: F, means: Arc<D>) -> Self
    where
        H: ReactionInput + Send + Sync,
        D: Send + Sync + 'static,
        W: Outgoing + 'static,
        F: for<'a> Effect<'a, H, D, Output = anyhow::Result<W>> + Send + Sync + 'static,
    {
        let mut publishes = Vec::new();
        W::outgoing_types(&mut publishes);
        let function = Arc::new(function);
        let run: Run = Arc::new(move |payload: Bytes, id, now| {
            let (function, means) = (function.clone(), means.clone());
            Box::pin(async move {
                let message: H::Message = serde_json::from_slice(&payload)?;
                let incoming = Incoming::new(message, id, now);
                let publishes = function.call(H::of(&incoming), &means).await?;
                let mut collector = Collector::default();
                publishes.collect(&mut collector);
                collector.finish().map_err(|error| anyhow::anyhow!("{error:?}"))
            })
        });
        Self {
            message: H::Message::NAME,
            version: H::Message::VERSION,
            publishes,
            fallback: None,
            then: None,
            readable: |payload| {
                let message: Result<H::Message, _> = serde_json::from_slice(payload);
                message.map(drop).map_err(|error| format!("the payload is unreadable: {error}"))
            },
            run,
        }
    }

    /// Runs it once.
    pub(crate) fn run(&self, payload: Bytes, id: Uuid, now: Timestamp) -> EffectFuture {
        (self.run)(payload, id, now)
    }
}
