//! How plain functions become steps: their shape, and how their rows are found, copied and put back.
//!
//! [`Function`] is the bare shape and carries no bounds: those stand on the methods of
//! [`Choreography`](crate::Choreography), so that the compiler names the mistake and not the machinery.

use std::marker::PhantomData;

use crate::declare::message::{Concerns, Message};
use crate::declare::row::{ByMessage, Row, Rows};
use crate::declare::tables::{Tables, Unready};

/// A function of something received and up to three rows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has not the shape of a reaction",
    label = "it must be `fn(&M)` or `fn(&M, &mut …)` with up to three rows, and not async",
    note = "whatever waits for the world outside is an `.effect`; a reaction decides at once"
)]
pub trait Function<P> {
    /// What it receives, without the `&`.
    type Input;
    /// Its rows, as a tuple.
    type Rows;
    /// What it returns.
    type Output;
    /// Calls it.
    fn call(&self, incoming: &Self::Input, rows: &mut Self::Rows) -> Self::Output;
}

macro_rules! functions {
    ($($row:ident $at:tt)*) => {
        impl<F, H, R, $($row),*> Function<fn(H, $($row),*) -> R> for F
        where
            F: Fn(&H, $(&mut $row),*) -> R,
        {
            type Input = H;
            type Rows = ($($row,)*);
            type Output = R;
            #[allow(unused_variables)]
            fn call(&self, incoming: &H, rows: &mut ($($row,)*)) -> R {
                self(incoming, $(&mut rows.$at),*)
            }
        }
    };
}
functions!();
functions!(A 0);
functions!(A 0 B 1);
functions!(A 0 B 1 C 2);

/// One parameter of a reaction after the first: `&mut S`, `&mut Option<S>` or `&mut Rows<S>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a row of a function that receives `{C}`",
    label = "rows are `&mut S`, `&mut Option<S>`, `&mut Rows<S>` or `&mut Rows<S, O>`, with `S: Row`",
    note = "and what is received must concern their keys: its own key's rows, or those it declares with `Concerns`"
)]
pub trait RowArgument<C>: Clone + PartialEq + Send + Sized + 'static {
    /// The row type.
    type Row: Row;
    /// Whether what is received must wait until the row exists.
    const REQUIRED: bool;
    /// Notes the keys of rows that are wanted and not loaded yet.
    #[doc(hidden)]
    fn want(incoming: &C, tables: &mut Tables);
    /// Copies the rows.
    #[doc(hidden)]
    fn take(incoming: &C, tables: &Tables) -> Result<Self, Unready>;
    /// Puts changed rows back.
    #[doc(hidden)]
    fn put(self, incoming: &C, tables: &mut Tables);
}

/// The one key of a row that a function takes alone.
fn sole_key<C: Concerns<S::Key>, S: Row>(incoming: &C) -> S::Key {
    let mut keys = incoming.concerns().into_iter();
    let key = keys.next();
    key.unwrap_or_else(|| panic!("what was received concerns no row of {}", S::TABLE))
}

impl<C: Concerns<S::Key>, S: Row> RowArgument<C> for S {
    type Row = S;
    const REQUIRED: bool = true;
    fn want(incoming: &C, tables: &mut Tables) {
        tables.of::<S>().want(sole_key::<C, S>(incoming));
    }
    fn take(incoming: &C, tables: &Tables) -> Result<S, Unready> {
        let key = sole_key::<C, S>(incoming);
        match tables.get::<S>().current(&key)? {
            Some(row) => Ok(row.clone()),
            None => Err(Unready::Missing { table: S::TABLE, key: key.to_string() }),
        }
    }
    fn put(self, incoming: &C, tables: &mut Tables) {
        tables.of::<S>().put(&sole_key::<C, S>(incoming), Some(self));
    }
}

impl<C: Concerns<S::Key>, S: Row> RowArgument<C> for Option<S> {
    type Row = S;
    const REQUIRED: bool = false;
    fn want(incoming: &C, tables: &mut Tables) {
        tables.of::<S>().want(sole_key::<C, S>(incoming));
    }
    fn take(incoming: &C, tables: &Tables) -> Result<Option<S>, Unready> {
        Ok(tables.get::<S>().current(&sole_key::<C, S>(incoming))?.cloned())
    }
    fn put(self, incoming: &C, tables: &mut Tables) {
        tables.of::<S>().put(&sole_key::<C, S>(incoming), self);
    }
}

/// Copies the rows of these keys.
fn take_all<S: Row, O>(keys: Vec<S::Key>, tables: &Tables) -> Result<Rows<S, O>, Unready> {
    let table = tables.get::<S>();
    let mut rows = std::collections::BTreeMap::new();
    for key in keys {
        let row = table.current(&key)?.cloned();
        rows.insert(key, row);
    }
    Ok(Rows { rows, owner: PhantomData })
}

fn put_all<S: Row, O>(rows: Rows<S, O>, tables: &mut Tables) {
    let table = tables.of::<S>();
    for (key, row) in rows.rows {
        table.put(&key, row);
    }
}

impl<C: Concerns<S::Key>, S: Row> RowArgument<C> for Rows<S, ByMessage> {
    type Row = S;
    const REQUIRED: bool = false;
    fn want(incoming: &C, tables: &mut Tables) {
        incoming.concerns().into_iter().for_each(|key| tables.of::<S>().want(key));
    }
    fn take(incoming: &C, tables: &Tables) -> Result<Self, Unready> {
        take_all(incoming.concerns(), tables)
    }
    fn put(self, _: &C, tables: &mut Tables) {
        put_all(self, tables);
    }
}

impl<C: Concerns<O::Key>, S: Row, O: Row + Concerns<S::Key>> RowArgument<C> for Rows<S, O> {
    type Row = S;
    const REQUIRED: bool = false;
    fn want(incoming: &C, tables: &mut Tables) {
        let owner = sole_key::<C, O>(incoming);
        tables.of::<O>().want(owner.clone());
        if let Ok(Some(row)) = tables.get::<O>().current(&owner) {
            row.concerns().into_iter().for_each(|key| tables.of::<S>().want(key));
        }
    }
    fn take(incoming: &C, tables: &Tables) -> Result<Self, Unready> {
        let owner = tables.get::<O>().current(&sole_key::<C, O>(incoming))?;
        take_all(owner.map(Concerns::concerns).unwrap_or_default(), tables)
    }
    fn put(self, _: &C, tables: &mut Tables) {
        put_all(self, tables);
    }
}

/// All rows of a function that receives `C`.
#[diagnostic::on_unimplemented(
    message = "a function that receives `{C}` can't be given `{Self}`",
    label = "its rows must be up to three of `&mut S`, `&mut Option<S>`, `&mut Rows<S>` with `S: Row`",
    note = "and what is received must concern their keys: its own key's rows, or those it declares with `Concerns`"
)]
pub trait RowArguments<C>: Clone + PartialEq + Sized + 'static {
    /// Whether what is received must wait until some row exists.
    const REQUIRED: bool;
    /// Registers the tables, in the order of the parameters.
    #[doc(hidden)]
    fn tables(register: &mut Tables) -> Vec<&'static str>;
    /// Notes the keys of rows that are wanted and not loaded yet.
    #[doc(hidden)]
    fn want(incoming: &C, tables: &mut Tables);
    /// Copies the rows.
    #[doc(hidden)]
    fn take(incoming: &C, tables: &Tables) -> Result<Self, Unready>;
    /// Puts changed rows back.
    #[doc(hidden)]
    fn put(self, incoming: &C, tables: &mut Tables);
}

macro_rules! loads {
    ($($row:ident $at:tt)*) => {
        #[allow(unused_variables)]
        impl<Incoming, $($row: RowArgument<Incoming>),*> RowArguments<Incoming> for ($($row,)*) {
            const REQUIRED: bool = false $(|| $row::REQUIRED)*;
            fn tables(register: &mut Tables) -> Vec<&'static str> {
                $(register.register::<$row::Row>();)*
                vec![$(<$row::Row as Row>::TABLE),*]
            }
            fn want(incoming: &Incoming, tables: &mut Tables) {
                $($row::want(incoming, tables);)*
            }
            fn take(incoming: &Incoming, tables: &Tables) -> Result<Self, Unready> {
                Ok(($($row::take(incoming, tables)?,)*))
            }
            fn put(self, incoming: &Incoming, tables: &mut Tables) {
                $(self.$at.put(incoming, tables);)*
            }
        }
    };
}
loads!();
loads!(A 0);
loads!(A 0 B 1);
loads!(A 0 B 1 C 2);

/// Rows of which none has to exist: a compensation may overtake its do, and must find a place for its tombstone.
#[diagnostic::on_unimplemented(
    message = "a compensation must not depend on `{Self}` being there already",
    label = "take `&mut Option<S>` or `&mut Rows<S>`",
    note = "a compensation may overtake its do: it then writes a tombstone, and the do finds it and does nothing"
)]
pub trait MayBeMissing {}

impl<S: Row> MayBeMissing for Option<S> {}
impl<S: Row, O> MayBeMissing for Rows<S, O> {}
impl MayBeMissing for () {}
impl<A: MayBeMissing> MayBeMissing for (A,) {}
impl<A: MayBeMissing, B: MayBeMissing> MayBeMissing for (A, B) {}
impl<A: MayBeMissing, B: MayBeMissing, C: MayBeMissing> MayBeMissing for (A, B, C) {}

/// The rows of a command, of which the first is what the caller is answered with.
#[diagnostic::on_unimplemented(
    message = "a command must take the row that its caller is answered with first",
    label = "the first row must be `&mut S` or `&mut Option<S>` with `S` = the command's `Command::Row`"
)]
pub trait RepliesWith<S: Row> {
    /// The row after the command, or nothing if it left none.
    #[doc(hidden)]
    fn reply(&self) -> Option<&S>;
}

impl<S: Row> RepliesWith<S> for S {
    fn reply(&self) -> Option<&S> {
        Some(self)
    }
}
impl<S: Row> RepliesWith<S> for Option<S> {
    fn reply(&self) -> Option<&S> {
        self.as_ref()
    }
}
macro_rules! answers {
    ($($row:ident)*) => {
        impl<S: Row, A: RepliesWith<S>, $($row),*> RepliesWith<S> for (A, $($row,)*) {
            fn reply(&self) -> Option<&S> {
                self.0.reply()
            }
        }
    };
}
answers!();
answers!(B);
answers!(B C);

/// Says on purpose that nothing has to be done when a message has died: `.fallback(nothing::<OrderUpdated>)`.
pub fn nothing<M: Message>(_: &crate::Dead<M>) {}
