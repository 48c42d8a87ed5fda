//! Properties that the functions of every service have, checked on generated stories.
//!
//! What must hold: the same seed tells the same stories, and rows come into being by messages alone, so that every state
//! of a row that a story looks at can be reached.

mod bench;
mod checks;
mod functions;
mod handed_in;
mod happened;
mod messages;
mod moment;
mod own;
mod quiet;
mod races;
mod report;
mod teller;
mod violation;
mod world;

use std::cell::Cell;

use hashbrown::HashMap;
use serde_json::Value;

use self::own::{Excluded, Goal, Invariant, Own, Race};
use self::teller::Teller;
use crate::{Choreography, Message};

pub use self::moment::Moment;

/// How many stories are told.
const CASES: u32 = 200;

/// Checks the properties that every service has; see [`Properties`].
///
/// # Panics
/// If the service breaks one. The text has the shortest story that was found, and what to do about it.
pub fn check_properties(service: Choreography) {
    Properties::of(service).check();
}

/// Properties of a service, checked on generated stories: messages and commands in any order, of which some die, are
/// delivered to its functions in memory.
///
/// - *Twice is as once*: a reaction or fallback that is called again changes no row and publishes nothing; so does a copy
///   of a message that has changed a row, however late it comes.
/// - *Any order*: two messages of one key end in the same rows, whichever comes first, or one waits for a row (a command
///   is refused for want of one). If they end differently, each row must be final or wait for a third message, or a
///   command, that would change something, compensations aside; if one of the two is a compensation, final. An `.intake`
///   begins a story, so nothing comes before it, and the result of an effect comes after the effect's message.
/// - *Tombstones*: after a compensation, and after a fallback that did something, the step changes no row, and publishes
///   no step and nothing scheduled.
/// - *No silent end*: a step that publishes nothing leaves a row that is final, or that another message or command takes.
/// - *Final is final*: a row that is [final](crate::Row::is_final) stays so, and no step is published because of it.
/// - *Fields of a newer version*: messages with a field that the service does not know are read, and rows keep theirs: those
///   of a row that is an enum with data are lost, unless the row is a struct which has the enum in a field.
/// - *Survival*: compensations and fallbacks don't panic.
///
/// Messages are drawn from their types: `Deserialize` says which fields a message has. A type that hides them
/// (`flatten`, `untagged`), or takes only particular texts, needs an [example](Self::example). What only the service
/// knows is handed in by [`keeps`](Self::keeps) and [`race`](Self::race). Properties of stories in which nothing happens
/// say nothing: something must follow from every reaction in some story, and [`reaches`](Self::reaches)
/// names what else must happen.
///
/// ```
#[doc = include_str!("../../example.md")]
/// use choreography::testing::{Properties, Moment};
///
/// fn create_payment(message: &CreatePayment, payment: &mut Option<Payment>) -> Option<PaymentCreated> {
///     if payment.is_some() {
///         return None; // created before, or cancelled first
///     }
///     *payment = Some(Payment::Pending);
///     Some(PaymentCreated { order: message.order })
/// }
///
/// fn cancel_payment(message: &CancelPayment, payment: &mut Option<Payment>) -> Option<CancelOrder> {
///     let before = payment.replace(Payment::Cancelled); // a tombstone, if there was none
///     (before != Some(Payment::Cancelled)).then_some(CancelOrder { order: message.order })
/// }
///
/// fn cancels_each_order_once(story: &Moment) {
///     let mut cancelled = story.published::<CancelOrder>().into_iter().map(|message| message.order).collect::<Vec<_>>();
///     cancelled.sort();
///     assert!(cancelled.windows(2).all(|orders| orders[0] != orders[1]), "{cancelled:?}");
/// }
///
/// let payment = Choreography::new("payment")
///     .on(create_payment)
///     .fallback(nothing::<CreatePayment>)
///     .compensate(cancel_payment);
/// Properties::of(payment).keeps("an order is cancelled once", cancels_each_order_once).check();
/// ```
pub struct Properties {
    service: Choreography,
    examples: HashMap<&'static str, Vec<Value>>,
    own: Own,
    cases: u32,
    seed: u64,
}

impl Properties {
    /// Returns the properties that every service has.
    pub fn of(service: Choreography) -> Self {
        Self { service, examples: HashMap::new(), own: Own::default(), cases: CASES, seed: 0 }
    }

    /// Adds a message to be delivered as it is, besides those that are drawn from its type: only its key is replaced by
    /// that of the story.
    ///
    /// # Panics
    /// If it can't be written as JSON.
    #[must_use]
    pub fn example<M: Message>(mut self, message: M) -> Self {
        let payload = serde_json::to_value(&message);
        let payload = payload.unwrap_or_else(|error| panic!("an example of {} is not JSON: {error}", M::NAME));
        self.examples.entry(M::NAME).or_default().push(payload);
        self
    }

    /// Adds an invariant, named as a claim: the function is called after every message, and panics if it does not hold.
    #[must_use]
    pub fn keeps(mut self, name: &'static str, check: impl Fn(&Moment<'_>) + 'static) -> Self {
        self.own.invariants.push(Invariant { name, check: Box::new(check) });
        self
    }

    /// Says how two messages of one story end, in place of the rule for any order: the function is called for both
    /// orders, and panics if the outcome is wrong. *Before* is the moment before both.
    #[must_use]
    pub fn race<A: Message, B: Message>(mut self, check: impl Fn(&Moment<'_>) + 'static) -> Self {
        self.own.races.push(Race { messages: [A::NAME, B::NAME], check: Box::new(check) });
        self
    }

    /// Leaves out messages that nobody sends, such as one that gives a new thing the id of another: the function gets a
    /// message and the moment before it, and returns whether it is left out.
    #[must_use]
    pub fn excludes<M: Message>(mut self, check: impl Fn(&M, &Moment<'_>) -> bool + 'static) -> Self {
        self.own.excluded.push(Excluded::of(check));
        self
    }

    /// Adds a state that some story must reach, such as a status of a row; the function is called after every message.
    #[must_use]
    pub fn reaches(mut self, name: impl Into<String>, check: impl Fn(&Moment<'_>) -> bool + 'static) -> Self {
        self.own.goals.push(Goal { name: name.into(), check: Box::new(check), is_reached: Cell::new(false) });
        self
    }

    /// Sets how many stories are told; 200 by default.
    #[must_use]
    pub fn cases(mut self, cases: u32) -> Self {
        self.cases = cases;
        self
    }

    /// Sets the seed from which stories are drawn; 0 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Tells the stories, and checks all properties after every message.
    ///
    /// # Panics
    /// If the service breaks a property; the text has the shortest story that was found. If a message can't be drawn from
    /// its type and there is no example of it, or if the stories do not get far enough: some reaction never did
    /// anything, or a state was not reached. If an example, a race or an exclusion is about a message that no function of
    /// the service takes, or a race about two messages that never come in both orders.
    pub fn check(self) {
        let Self { service, examples, own, cases, seed } = self;
        Teller::new(&service, examples, own).check(cases, seed);
    }
}
