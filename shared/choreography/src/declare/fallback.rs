//! Fallbacks: what a service does when a message has died there.

use jiff::Timestamp;
use uuid::Uuid;

use crate::declare::call::{CheckIdempotence, ErasedInput, ReactFunction, Reacted, Want, input_of};
use crate::declare::function::Function;
use crate::declare::idempotence::check_idempotence;
use crate::declare::incoming::Dead;
use crate::declare::input::FallbackInput;
use crate::declare::message::Message;
use crate::declare::outgoing::{Outgoing, OutgoingType, messages_of, types_of};
use crate::declare::row_arguments::RowArguments;
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;
use crate::wire::dead_letter::Reason;

/// The dead message that a function receives.
type Died<F, P> = Dead<<<F as Function<P>>::Input as FallbackInput>::Message>;

/// A fallback with its types erased.
pub(crate) struct Fallback {
    pub publishes: Vec<OutgoingType>,
    pub tables: Vec<&'static str>,
    decode: fn(&str, Reason, &str, Uuid, Timestamp) -> Option<ErasedInput>,
    want: Want,
    react: ReactFunction,
}

impl Fallback {
    pub(crate) fn new<P, F>(function: F, tables: Vec<&'static str>) -> Self
    where
        F: Function<P> + Send + Sync + 'static,
        F::Input: FallbackInput,
        F::Rows: RowArguments<F::Input>,
        F::Output: Outgoing,
    {
        Self {
            publishes: types_of::<F::Output>(),
            tables,
            decode: |key, reason, detail, id, now| {
                let key = key.parse().ok()?;
                Some(Box::new(Died::<F, P>::new(key, reason, detail, id, now)))
            },
            want: |input, tables| F::Rows::want(F::Input::of(input_of::<Died<F, P>>(input)), tables),
            react: Box::new(move |input, tables, CheckIdempotence(check)| {
                let dead = F::Input::of(input_of::<Died<F, P>>(input));
                let mut rows = F::Rows::take(dead, tables)?;
                let outgoing = messages_of(function.call(dead, &mut rows))?;
                if check {
                    let call = |rows: &mut F::Rows| Ok((true, messages_of(function.call(dead, rows))?));
                    let what = format_args!("the fallback for {}", <F::Input as FallbackInput>::Message::NAME);
                    check_idempotence(what, &rows, (true, &outgoing), call);
                }
                rows.put(dead, tables);
                Ok(Reacted { outgoing, ..Reacted::default() })
            }),
        }
    }

    /// Returns the dead message for the function; none if its key is unreadable.
    pub(crate) fn decode(
        &self,
        key: &str,
        reason: Reason,
        detail: &str,
        id: Uuid,
        now: Timestamp,
    ) -> Option<ErasedInput> {
        (self.decode)(key, reason, detail, id, now)
    }

    /// Adds the keys of the rows that it needs, and that are not loaded yet, to those to load.
    pub(crate) fn want(&self, input: &ErasedInput, tables: &mut Tables) {
        (self.want)(input, tables);
    }

    /// Calls the function on copies of its rows, and puts them back.
    ///
    /// # Errors
    /// A row is not loaded, or what the function returns can't be published. No row has changed then.
    pub(crate) fn react(
        &self,
        input: &ErasedInput,
        tables: &mut Tables,
        check: CheckIdempotence,
    ) -> Result<Reacted, Unready> {
        (self.react)(input, tables, check)
    }
}
