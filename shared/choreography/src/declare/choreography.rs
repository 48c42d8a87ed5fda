//! A service's part in the choreography: what it receives, with which functions, and what these publish.
//!
//! What the compiler can't find, such as two reactions to one message, panics here: in every test and at every start.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::declare::effect::{Effect, EffectHandler};
use crate::declare::fallback::Fallback;
use crate::declare::function::{Function, MayBeMissing, MessageOf, RepliesTo};
use crate::declare::handler::{Handler, HandlerKind};
use crate::declare::input::{FallbackInput, IsCompensation, IsStepOrEvent, ReactionInput};
use crate::declare::message::{Command, Message};
use crate::declare::outgoing::Outgoing;
use crate::declare::output::{CommandOutput, EffectOutput, ReactionOutput};
use crate::declare::reaction;
use crate::declare::row_arguments::RowArguments;
use crate::declare::tables::Tables;
use crate::wire::subject::check_key;

/// Everything that one service receives and publishes.
///
/// ```
#[doc = include_str!("../example.md")]
/// # fn open_payment(_: &OpenPayment, _: &mut Option<Payment>) {}
/// # fn create_payment(_: &CreatePayment, _: &mut Option<Payment>) {}
/// fn payment() -> Choreography {
///     Choreography::new("payment")
///         .intake(open_payment)
///         .on(create_payment)
///         .fallback(nothing::<CreatePayment>)
/// }
/// assert_eq!(payment().service(), "payment");
/// ```
pub struct Choreography {
    pub(crate) service: &'static str,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) effects: Vec<EffectHandler>,
    /// The names of the commands that begin a story.
    pub(crate) intakes: BTreeSet<&'static str>,
    pub(crate) tables: Tables,
}

impl Choreography {
    /// Returns a service that receives nothing yet. Its name is the first token of the subjects that it publishes to.
    ///
    /// # Panics
    /// If the name can't be such a token: it must not be empty, or have dots, wildcards or blanks.
    pub fn new(service: &'static str) -> Self {
        assert!(check_key(service).is_ok(), "a service can't be named {service:?}: write a word in kebab case");
        Self { service, handlers: Vec::new(), effects: Vec::new(), intakes: BTreeSet::new(), tables: Tables::default() }
    }

    /// Whether the service receives any message.
    pub(crate) fn receives_any(&self) -> bool {
        !self.effects.is_empty() || self.handlers.iter().any(|handler| handler.kind.receives_messages())
    }

    /// Returns the service's name.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Returns the names of the messages that the service receives, each once.
    pub(crate) fn received_messages(&self) -> Vec<&'static str> {
        let reactions = self.handlers.iter().filter(|handler| handler.kind.receives_messages());
        let reactions = reactions.map(|handler| handler.message);
        let names: BTreeSet<_> = reactions.chain(self.effects.iter().map(|effect| effect.message)).collect();
        names.into_iter().collect()
    }

    /// Adds a reaction to a step or an event.
    ///
    /// # Panics
    /// If another function receives the message, or if this one takes a table twice.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// fn create_payment(message: &CreatePayment, payment: &mut Option<Payment>) -> Option<PaymentCreated> {
    ///     if payment.is_some() {
    ///         return None; // created before, or cancelled first
    ///     }
    ///     *payment = Some(Payment::Pending);
    ///     Some(PaymentCreated { order: message.order })
    /// }
    /// let choreography = Choreography::new("payment").on(create_payment);
    /// ```
    pub fn on<P, F>(mut self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput<Message: IsStepOrEvent>,
        F::Rows: RowArguments<MessageOf<F, P>>,
        F::Output: ReactionOutput,
    {
        let tables = self.register::<F::Rows, MessageOf<F, P>>(MessageOf::<F, P>::NAME);
        self.add(reaction::reaction(HandlerKind::Reaction, reaction, tables))
    }

    /// Adds a reaction to a compensation, which may overtake the step it compensates, never expires, and passes every
    /// circuit.
    ///
    /// # Panics
    /// If another function receives the message, or if this one takes a table twice.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// fn cancel_payment(message: &CancelPayment, payment: &mut Option<Payment>) -> Option<CancelOrder> {
    ///     let before = payment.replace(Payment::Cancelled); // a tombstone, if there was none
    ///     (before != Some(Payment::Cancelled)).then_some(CancelOrder { order: message.order })
    /// }
    /// let choreography = Choreography::new("payment").compensate(cancel_payment);
    /// ```
    pub fn compensate<P, F>(mut self, reaction: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput<Message: IsCompensation>,
        F::Rows: RowArguments<MessageOf<F, P>> + MayBeMissing,
        F::Output: ReactionOutput,
    {
        let tables = self.register::<F::Rows, MessageOf<F, P>>(MessageOf::<F, P>::NAME);
        self.add(reaction::reaction(HandlerKind::Compensation, reaction, tables))
    }

    /// Adds the fallback of the reaction or effect before it: what is published, and which tombstone is written, when
    /// the message has died here. [`nothing`](crate::nothing) is the fallback that does nothing.
    ///
    /// # Panics
    /// If no reaction and no effect before it receives the message, if the message has a fallback already, or if the
    /// function takes a table twice.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// # fn create_payment(_: &CreatePayment, _: &mut Option<Payment>) {}
    /// fn give_up(dead: &Dead<CreatePayment>, payment: &mut Option<Payment>) -> Option<CancelOrder> {
    ///     let before = payment.replace(Payment::Cancelled);
    ///     (before != Some(Payment::Cancelled)).then_some(CancelOrder { order: *dead.key() })
    /// }
    /// let choreography = Choreography::new("payment").on(create_payment).fallback(give_up);
    /// ```
    pub fn fallback<P, F>(mut self, function: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: FallbackInput,
        F::Rows: RowArguments<F::Input> + MayBeMissing,
        F::Output: Outgoing,
    {
        let (service, message) = (self.service, <F::Input as FallbackInput>::Message::NAME);
        let fallback = Fallback::new(function, self.register::<F::Rows, F::Input>(message));
        let reactions = self.handlers.iter_mut().filter(|handler| handler.kind.receives_messages());
        let reactions = reactions.map(|handler| (handler.message, &mut handler.fallback));
        let effects = self.effects.iter_mut().map(|effect| (effect.message, &mut effect.fallback));
        let mut slots = reactions.chain(effects).filter(|(name, _)| *name == message).map(|(_, slot)| slot);
        let Some(slot) = slots.next() else {
            panic!(
                "{service}: `.fallback` for {message} must follow the `.on`, `.compensate` or `.effect` that receives it"
            );
        };
        assert!(
            slot.is_none() && slots.all(|other| other.is_none()),
            "{service}: two fallbacks for {message}: a reaction and an effect share one"
        );
        *slot = Some(fallback);
        self
    }

    /// Adds the handler of a command that begins a story: like [`command`](Self::command), but refused while a circuit
    /// is open or the backlog is full.
    ///
    /// # Panics
    /// If another function receives the command, or if this one takes a table twice.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// fn open_payment(_: &OpenPayment, payment: &mut Option<Payment>) -> Result<(), Rejected> {
    ///     if payment.is_some() {
    ///         return Err(Rejected::new("payment-exists", "This order has a payment already."));
    ///     }
    ///     *payment = Some(Payment::Pending);
    ///     Ok(())
    /// }
    /// let choreography = Choreography::new("payment").intake(open_payment);
    /// ```
    pub fn intake<P, F>(mut self, function: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput<Message: Command>,
        F::Rows: RowArguments<MessageOf<F, P>> + RepliesTo<MessageOf<F, P>>,
        F::Output: CommandOutput,
    {
        self.intakes.insert(MessageOf::<F, P>::NAME);
        self.command(function)
    }

    /// Adds the handler of a command. The caller gets the command's row as it is after the commit (if the command deletes
    /// it, as it was), or the rejection. A command never waits for a row; one that leaves the caller no row changes
    /// nothing and is [`Missing`](crate::ExecuteError::Missing).
    ///
    /// # Panics
    /// If another function receives the command, or if this one takes a table twice.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// fn confirm_payment(_: &ConfirmPayment, payment: &mut Payment) -> Result<(), Rejected> {
    ///     if *payment == Payment::Cancelled {
    ///         return Err(Rejected::new("payment-cancelled", "The payment was cancelled: order again."));
    ///     }
    ///     *payment = Payment::Confirmed;
    ///     Ok(())
    /// }
    /// let choreography = Choreography::new("payment").command(confirm_payment);
    /// ```
    pub fn command<P, F>(mut self, function: F) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: ReactionInput<Message: Command>,
        F::Rows: RowArguments<MessageOf<F, P>> + RepliesTo<MessageOf<F, P>>,
        F::Output: CommandOutput,
    {
        let tables = self.register::<F::Rows, MessageOf<F, P>>(MessageOf::<F, P>::NAME);
        self.add(reaction::command(function, tables))
    }

    /// Adds an effect: an async function that acts on the outside world. It runs after the commit of its message, at
    /// least once, and again after a transient [`EffectError`](crate::EffectError). What it returns is committed and
    /// published.
    ///
    /// A service may have a reaction and an effect for one message.
    ///
    /// # Panics
    /// If another effect receives the message.
    ///
    /// # Example
    /// ```
    #[doc = include_str!("../example.md")]
    /// struct Mailer;
    /// impl Mailer {
    ///     async fn send(&self, text: &str) -> Result<(), std::io::Error> {
    /// #       Ok(())
    ///     }
    /// }
    ///
    /// async fn send_receipt(message: &PaymentCreated, mailer: &Mailer) -> Result<ReceiptSent, EffectError> {
    ///     mailer.send(&format!("We have your order {}.", message.order)).await?; // tried again if it fails
    ///     Ok(ReceiptSent { order: message.order })
    /// }
    /// let choreography = Choreography::new("notify").effect(send_receipt, Mailer);
    /// ```
    pub fn effect<I, D, T, F>(mut self, function: F, means: D) -> Self
    where
        I: ReactionInput + Send + Sync,
        D: Send + Sync + 'static,
        T: EffectOutput + 'static,
        F: for<'a> Effect<'a, I, D, Output = T> + Send + Sync + 'static,
    {
        let (service, message) = (self.service, I::Message::NAME);
        self.check_name(message);
        let known = self.effects.iter().any(|known| known.message == message);
        assert!(!known, "{service}: two effects receive {message}: do both in one, or publish a message for each");
        self.effects.push(EffectHandler::new(function, Arc::new(means)));
        self
    }

    fn add(mut self, handler: Handler) -> Self {
        let (service, message) = (self.service, handler.message);
        assert!(
            self.handlers.iter().all(|known| known.message != message),
            "{service}: two functions receive {message}: a message has one `.on`, `.compensate` or `.command` in a service"
        );
        self.handlers.push(handler);
        self
    }

    /// Registers the tables of a function that receives this message, and returns their names.
    pub(super) fn register<L: RowArguments<C>, C>(&mut self, message: &str) -> Vec<&'static str> {
        self.check_name(message);
        let tables = L::tables(&mut self.tables);
        let distinct: BTreeSet<_> = tables.iter().collect();
        assert!(
            distinct.len() == tables.len(),
            "{}: the function for {message} takes the same table twice ({tables:?}): use `Rows` for several rows",
            self.service
        );
        tables
    }

    pub(super) fn check_name(&self, message: &str) {
        let valid = check_key(message).is_ok();
        assert!(valid, "{}: a message can't be named {message:?}: write a name in kebab case", self.service);
    }
}
