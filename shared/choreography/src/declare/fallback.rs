//! Fallbacks: what a service does when a message has died there.

use jiff::Timestamp;
use uuid::Uuid;

use crate::declare::call::{CheckIdempotence, ErasedInput, ReactFunction, Reacted, Want, input_of};
use crate::declare::function::Function;
use crate::declare::idempotence::check_idempotence;
use crate::declare::incoming::Dead;
use crate::declare::message::Message;
use crate::declare::outgoing::{Outgoing, OutgoingType, messages_of, types_of};
use crate::declare::row_arguments::RowArguments;
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;
use crate::wire::dead_letter::Reason;

/// A fallback with its types erased.
pub(crate) struct Fallback {
    pub publishes: Vec<OutgoingType>,
    pub tables: Vec<&'static str>,
    decode: fn(&str, Reason, &str, Uuid, Timestamp) -> Option<ErasedInput>,
    want: Want,
    react: ReactFunction,
}

impl Fallback {
    pub(crate) fn new<P, M, F>(function: F, tables: Vec<&'static str>) -> Self
    where
        M: Message,
        F: Function<P, Input = Dead<M>> + Send + Sync + 'static,
        F::Rows: RowArguments<Dead<M>>,
        F::Output: Outgoing,
    {
        Self {
            publishes: types_of::<F::Output>(),
            tables,
            decode: |key, reason, detail, id, now| {
                let key = key.parse().ok()?;
                Some(Box::new(Dead::<M>::new(key, reason, detail, id, now)))
            },
            want: |input, tables| F::Rows::want(input_of::<Dead<M>>(input), tables),
            react: Box::new(move |input, tables, CheckIdempotence(check)| {
                let dead = input_of::<Dead<M>>(input);
                let mut rows = F::Rows::take(dead, tables)?;
                let outgoing = messages_of(function.call(dead, &mut rows))?;
                if check {
                    let call = |rows: &mut F::Rows| Ok((true, messages_of(function.call(dead, rows))?));
                    check_idempotence(format_args!("the fallback for {}", M::NAME), &rows, (true, &outgoing), call);
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
