//! Effects: async functions that act on the outside world.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::declare::call::ErasedInput;
use crate::declare::effect_error::EffectError;
use crate::declare::effect_policy::EffectPolicy;
use crate::declare::fallback::Fallback;
use crate::declare::guarded::guarded;
#[cfg(feature = "testing")]
use crate::declare::handler::sample_of;
use crate::declare::handler::{Decode, Handler, decode};
use crate::declare::incoming::Incoming;
use crate::declare::input::ReactionInput;
use crate::declare::message::Message;
use crate::declare::outgoing::{OutgoingMessage, OutgoingType, messages_of, types_of};
use crate::declare::output::EffectOutput;
use crate::declare::payload::PayloadType;
use crate::declare::role::RoleType as _;
use crate::declare::unless::Unless;
#[cfg(feature = "testing")]
use crate::samples::Sample;
use crate::wire::role::Role;

/// An async function of a message and the means to act on it:
/// `async fn(&OrderUpdated, &Mailer) -> Result<O, EffectError>`.
///
/// It is implemented for every such function, and nothing else implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an effect",
    label = "an effect is `async fn(&M, &Means) -> Result<what it publishes, EffectError>`",
    note = "its future must be `Send`, and it takes no rows: `.then` receives what it publishes, and takes rows"
)]
pub trait Effect<'a, I: 'a, D: 'a> {
    /// What the future returns.
    type Output;
    /// The future.
    type Future: Future<Output = Self::Output> + Send + 'a;
    /// Calls the function.
    fn call(&self, input: &'a I, means: &'a D) -> Self::Future;
}

/// What an effect returns when it is called.
#[diagnostic::on_unimplemented(
    message = "this function is not async: it returns `{Self}`",
    label = "an effect is `async fn(&M, &Means) -> Result<what it publishes, EffectError>`",
    note = "a function that waits for nothing outside is a reaction: `.on`"
)]
pub trait IsAsync: Future {}

#[diagnostic::do_not_recommend]
impl<T: Future> IsAsync for T {}

impl<'a, I: 'a, D: 'a, F, T> Effect<'a, I, D> for F
where
    F: Fn(&'a I, &'a D) -> T,
    T: IsAsync + Send + 'a,
{
    type Output = T::Output;
    type Future = T;
    fn call(&self, input: &'a I, means: &'a D) -> T {
        self(input, means)
    }
}

pub(crate) type EffectFuture = Pin<Box<dyn Future<Output = Result<Vec<OutgoingMessage>, EffectError>> + Send>>;
type RunFunction = Arc<dyn Fn(u32, Bytes, Uuid, Timestamp) -> EffectFuture + Send + Sync>;

/// An effect, with its types erased.
pub(crate) struct EffectHandler {
    pub message: &'static str,
    /// The versions of the message that it takes.
    pub versions: Vec<u32>,
    /// The role of its message.
    pub role: Role,
    /// How the payload of its message looks.
    pub payload: PayloadType,
    pub publishes: Vec<OutgoingType>,
    pub fallback: Option<Fallback>,
    /// The reaction of the service itself to a message that the effect publishes.
    pub then: Option<Handler>,
    pub policy: EffectPolicy,
    /// When the effect is not run any more.
    pub unless: Option<Unless>,
    /// How tests draw its message.
    #[cfg(feature = "testing")]
    pub sample: Sample,
    decode: Decode,
    run: RunFunction,
}

impl EffectHandler {
    pub(crate) fn new<I, D, T, F>(function: F, means: Arc<D>) -> Self
    where
        I: ReactionInput + Send + Sync,
        D: Send + Sync + 'static,
        T: EffectOutput + 'static,
        F: for<'a> Effect<'a, I, D, Output = T> + Send + Sync + 'static,
    {
        let function = Arc::new(function);
        let run: RunFunction = Arc::new(move |version, payload: Bytes, id, now| {
            let (function, means) = (function.clone(), means.clone());
            Box::pin(async move {
                let message = I::Message::read(version, &payload).map_err(EffectError::permanent)?;
                let incoming = Incoming::new(message, id, now);
                let outgoing = function.call(I::of(&incoming), &means).await.into_result()?;
                // The effect has run: it is not run again for what can't be published.
                let messages = guarded(|| messages_of(outgoing)).map_err(EffectError::permanent)?;
                messages.map_err(EffectError::permanent)
            })
        });
        Self {
            message: I::Message::NAME,
            versions: I::Message::versions(),
            role: <I::Message as Message>::Role::ROLE,
            payload: PayloadType(I::Message::payload_schema),
            publishes: types_of::<T::Published>(),
            fallback: None,
            then: None,
            policy: EffectPolicy::default(),
            unless: None,
            #[cfg(feature = "testing")]
            sample: sample_of::<I::Message>(),
            decode: decode::<I::Message>,
            run,
        }
    }

    /// Returns the message with this payload of some version.
    ///
    /// # Errors
    /// The version is unknown, the payload is unreadable, or its key is not the subject's.
    pub(crate) fn decode(
        &self,
        version: u32,
        payload: &[u8],
        key: &str,
        id: Uuid,
        now: Timestamp,
    ) -> Result<ErasedInput, String> {
        (self.decode)(version, payload, key, id, now)
    }

    /// Puts something around each run of the effect.
    #[cfg(feature = "testing")]
    pub(crate) fn wrap(&mut self, around: impl Fn(EffectFuture) -> EffectFuture + Send + Sync + 'static) {
        let run = self.run.clone();
        self.run = Arc::new(move |version, payload, id, now| around(run(version, payload, id, now)));
    }

    /// Runs the effect once.
    pub(crate) fn run(&self, version: u32, payload: Bytes, id: Uuid, now: Timestamp) -> EffectFuture {
        (self.run)(version, payload, id, now)
    }
}
