//! Reactions and command handlers: from a typed function to a [`Handler`].

use crate::declare::call::{CheckIdempotence, ErasedReply, Reacted, input_of};
use crate::declare::function::{Function, MessageOf, RepliesTo};
use crate::declare::handler::{Handler, HandlerKind};
use crate::declare::idempotence::{CallResult, check_idempotence};
use crate::declare::incoming::Incoming;
use crate::declare::input::ReactionInput;
use crate::declare::message::{Command, Message};
use crate::declare::outgoing::{messages_of, types_of};
use crate::declare::output::{CommandOutput, ReactionOutput};
use crate::declare::row::Row;
use crate::declare::row_arguments::RowArguments;
use crate::declare::unready::Unready;

type Published<F, P> = <<F as Function<P>>::Output as ReactionOutput>::Published;
type Refusal<F, P> = <<F as Function<P>>::Output as ReactionOutput>::Refusal;

/// Returns the handler of a reaction, whose rows are in these tables.
pub(crate) fn reaction<P, F>(kind: HandlerKind, function: F, tables: Vec<&'static str>) -> Handler
where
    F: Function<P> + Send + Sync + 'static,
    F::Input: ReactionInput,
    F::Rows: RowArguments<MessageOf<F, P>>,
    F::Output: ReactionOutput,
{
    Handler::new::<MessageOf<F, P>>(
        kind,
        (types_of::<Published<F, P>>(), types_of::<Refusal<F, P>>()),
        (tables, F::Rows::REQUIRED),
        |input, tables| F::Rows::want(&**input_of::<Incoming<MessageOf<F, P>>>(input), tables),
        Box::new(move |input, tables, CheckIdempotence(check)| {
            let incoming = input_of::<Incoming<MessageOf<F, P>>>(input);
            let mut rows = F::Rows::take(&**incoming, tables)?;
            let before = check.then(|| rows.clone());
            let (kept, outgoing) = call(&function, F::Input::of(incoming), &mut rows)?;
            if let Some(before) = before {
                let after = if kept { &rows } else { &before };
                let what = format_args!("the reaction to {}", MessageOf::<F, P>::NAME);
                let again = |rows: &mut F::Rows| call(&function, F::Input::of(incoming), rows);
                check_idempotence(what, after, (kept, &outgoing), again);
            }
            if kept {
                rows.put(&**incoming, tables);
            }
            Ok(Reacted { outgoing, ..Reacted::default() })
        }),
    )
}

/// Returns whether the rows are kept, and the messages.
fn call<P, F: Function<P>>(function: &F, input: &F::Input, rows: &mut F::Rows) -> CallResult
where
    F::Output: ReactionOutput,
{
    match function.call(input, rows).into_result() {
        Ok(published) => Ok((true, messages_of(published)?)),
        Err(refusal) => Ok((false, messages_of(refusal)?)),
    }
}

/// Returns the handler of a command, whose rows are in these tables.
pub(crate) fn command<P, F>(function: F, tables: Vec<&'static str>) -> Handler
where
    F: Function<P> + Send + Sync + 'static,
    F::Input: ReactionInput<Message: Command>,
    F::Rows: RowArguments<MessageOf<F, P>> + RepliesTo<MessageOf<F, P>>,
    F::Output: CommandOutput,
{
    Handler::new::<MessageOf<F, P>>(
        HandlerKind::Command,
        (types_of::<<F::Output as CommandOutput>::Published>(), Vec::new()),
        (tables, F::Rows::REQUIRED),
        |input, tables| F::Rows::want(&**input_of::<Incoming<MessageOf<F, P>>>(input), tables),
        Box::new(move |input, tables, _| {
            let incoming = input_of::<Incoming<MessageOf<F, P>>>(input);
            let mut rows = F::Rows::take(&**incoming, tables)?;
            let before = rows.reply().cloned();
            let published = match function.call(F::Input::of(incoming), &mut rows).into_result() {
                Ok(published) => published,
                Err(rejected) => return Ok(Reacted { rejected: Some(rejected), ..Reacted::default() }),
            };
            // The caller of a command that deletes its row gets it as it was.
            let Some(row) = rows.reply().or(before.as_ref()) else {
                let table = <MessageOf<F, P> as Command>::Row::TABLE;
                return Err(Unready::Missing { table, key: incoming.key().to_string() });
            };
            let json = serde_json::to_string(row).unwrap_or_else(|error| panic!("the reply is not JSON: {error}"));
            let reply = (Box::new(row.clone()) as ErasedReply, json);
            let outgoing = messages_of(published)?;
            rows.put(&**incoming, tables);
            Ok(Reacted { outgoing, reply: Some(reply), ..Reacted::default() })
        }),
    )
}
