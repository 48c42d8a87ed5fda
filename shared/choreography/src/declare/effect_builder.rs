//! What is declared at an effect.

use std::time::Duration;

use crate::declare::choreography::Choreography;
use crate::declare::effect::EffectHandler;
use crate::declare::function::{Function, MayBeMissing, MessageOf};
use crate::declare::handler::HandlerKind;
use crate::declare::input::ReactionInput;
use crate::declare::message::Message;
use crate::declare::output::ReactionOutput;
use crate::declare::reaction;
use crate::declare::row::Row;
use crate::declare::row_arguments::RowArguments;
use crate::declare::unless::Unless;

impl Choreography {
    /// Adds the service's own reaction to a message that its effect publishes, done in the commit that publishes it. If
    /// it panics, the message that the effect received dies.
    ///
    /// # Panics
    /// If no effect before it publishes the message, if the effect has a `.then` already, or if the function takes a
    /// table twice.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// # async fn send_receipt(message: &PaymentCreated, _: &()) -> Result<ReceiptSent, EffectError> {
    /// #     Ok(ReceiptSent { order: message.order })
    /// # }
    /// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    /// #[row(table = "receipt", key = u32)]
    /// struct Receipt { sent: bool }
    ///
    /// fn note_receipt(_: &ReceiptSent, receipt: &mut Option<Receipt>) {
    ///     *receipt = Some(Receipt { sent: true });
    /// }
    /// let choreography = Choreography::new("notify").effect(send_receipt, ()).then(note_receipt);
    /// ```
    pub fn then<P, F>(mut self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput,
        F::Rows: RowArguments<MessageOf<F, P>> + MayBeMissing,
        F::Output: ReactionOutput,
    {
        let (service, message) = (self.service, MessageOf::<F, P>::NAME);
        let tables = self.register::<F::Rows, MessageOf<F, P>>(message);
        let mut effects = self.effects.iter_mut().rev();
        let effect = effects.find(|effect| effect.publishes.iter().any(|outgoing| outgoing.name == message));
        let Some(effect) = effect else {
            panic!("{service}: `.then` for {message} must follow the `.effect` that publishes it");
        };
        assert!(effect.then.is_none(), "{service}: two `.then` for the effect that receives {}", effect.message);
        effect.then = Some(reaction::reaction(HandlerKind::Then, reaction, tables));
        self
    }

    /// Says when the effect before it is not run any more: the function gets the message and the row of its key, and
    /// returns the reason, or none to run the effect. It is asked when the effect is queued and, unless the effect starts
    /// at once, again right before each try. A message whose effect is not run is done; if it was a replay, its record has
    /// the reason.
    ///
    /// # Panics
    /// If no effect before it receives the message, or if that has an `.unless` already.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// # async fn send_receipt(message: &PaymentCreated, _: &()) -> Result<ReceiptSent, EffectError> {
    /// #     Ok(ReceiptSent { order: message.order })
    /// # }
    /// fn cancelled(_: &PaymentCreated, payment: Option<&Payment>) -> Option<String> {
    ///     (payment == Some(&Payment::Cancelled)).then(|| "the payment was cancelled meanwhile".to_owned())
    /// }
    /// let choreography = Choreography::new("notify").effect(send_receipt, ()).unless(cancelled);
    /// ```
    pub fn unless<M, S, F>(mut self, function: F) -> Self
    where
        M: Message,
        S: Row<Key = M::Key>,
        F: Fn(&M, Option<&S>) -> Option<String> + Send + Sync + Clone + 'static,
    {
        let service = self.service;
        self.tables.register::<S>();
        let effect = self.last_effect("unless");
        assert!(
            effect.message == M::NAME && effect.unless.is_none(),
            "{service}: `.unless` for {} must follow the `.effect` that receives it, once",
            M::NAME
        );
        effect.unless = Some(Unless::new(function));
        self
    }

    /// Limits how long the effect before it is tried, from the beginning of its first try; then its message dies. 15
    /// minutes by default ([`Settings::effect_time_max`](crate::Settings::effect_time_max)).
    ///
    /// # Panics
    /// If there is no effect before it.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// # async fn send_receipt(message: &PaymentCreated, _: &()) -> Result<ReceiptSent, EffectError> {
    /// #     Ok(ReceiptSent { order: message.order })
    /// # }
    /// let choreography = Choreography::new("notify")
    ///     .effect(send_receipt, ())
    ///     .within(Duration::from_secs(24 * 3_600)) // a receipt may be late
    ///     .try_time_max(Duration::from_secs(5))
    ///     .running_max(4); // the mail server takes no more
    /// ```
    pub fn within(mut self, time: Duration) -> Self {
        self.last_effect("within").policy.within = Some(time);
        self
    }

    /// Limits how long one try of the effect before it may take; a longer one is dropped, and is a transient failure. 30
    /// seconds by default ([`Settings::effect_try_time_max`](crate::Settings::effect_try_time_max)). See
    /// [`within`](Self::within) for an example.
    ///
    /// # Panics
    /// If there is no effect before it.
    pub fn try_time_max(mut self, time: Duration) -> Self {
        self.last_effect("try_time_max").policy.try_time_max = Some(time);
        self
    }

    /// Limits how many of the effect before it run at once. 32 by default. See [`within`](Self::within) for an example.
    ///
    /// # Panics
    /// If there is no effect before it, or if it is 0.
    pub fn running_max(mut self, count: usize) -> Self {
        assert!(count > 0, "{}: an effect of which none may run would never run", self.service);
        self.last_effect("running_max").policy.running_max = Some(count);
        self
    }

    fn last_effect(&mut self, method: &str) -> &mut EffectHandler {
        let service = self.service;
        self.effects.last_mut().unwrap_or_else(|| panic!("{service}: `.{method}` must follow an `.effect`"))
    }
}
