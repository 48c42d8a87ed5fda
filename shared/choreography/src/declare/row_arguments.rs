//! Row parameters: how the rows of a function are found by key, copied for its call, and put back.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use crate::declare::key::Concerns;
use crate::declare::row::{ByMessage, Row, Rows};
use crate::declare::tables::Tables;
use crate::declare::unready::Unready;

/// The type of one row parameter of a function, without its `&mut`: `S`, `Option<S>` or `Rows<S>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a row of a function that receives `{C}`",
    label = "rows are `&mut S`, `&mut Option<S>`, `&mut Rows<S>` or `&mut Rows<S, O>`, with `S: Row`",
    note = "the message must concern their keys: those of its own key, or those that it declares with `Concerns`"
)]
pub trait RowArgument<C>: Clone + PartialEq + Send + Sized + 'static {
    /// The row type.
    type Row: Row;
    /// Whether a message waits until the row exists.
    const REQUIRED: bool;
    /// Adds the keys of its rows that are not loaded yet to those to load.
    #[doc(hidden)]
    fn want(input: &C, tables: &mut Tables);
    /// Returns copies of the rows.
    #[doc(hidden)]
    fn take(input: &C, tables: &Tables) -> Result<Self, Unready>;
    /// Puts the rows back, changed or not.
    #[doc(hidden)]
    fn put(self, input: &C, tables: &mut Tables);
}

/// Returns the one key of a row that a function takes alone.
fn only_key<C: Concerns<S::Key>, S: Row>(input: &C) -> S::Key {
    let mut keys = input.concerns().into_iter();
    let key = keys.next();
    key.unwrap_or_else(|| panic!("the message concerns no row of {}: its `Concerns` returns no key", S::TABLE))
}

impl<C: Concerns<S::Key>, S: Row> RowArgument<C> for S {
    type Row = S;
    const REQUIRED: bool = true;
    fn want(input: &C, tables: &mut Tables) {
        tables.of::<S>().want(only_key::<C, S>(input));
    }
    fn take(input: &C, tables: &Tables) -> Result<S, Unready> {
        let key = only_key::<C, S>(input);
        match tables.get::<S>().current(&key)? {
            Some(row) => Ok(row.clone()),
            None => Err(Unready::Missing { table: S::TABLE, key: key.to_string() }),
        }
    }
    fn put(self, input: &C, tables: &mut Tables) {
        tables.of::<S>().put(&only_key::<C, S>(input), Some(self));
    }
}

impl<C: Concerns<S::Key>, S: Row> RowArgument<C> for Option<S> {
    type Row = S;
    const REQUIRED: bool = false;
    fn want(input: &C, tables: &mut Tables) {
        tables.of::<S>().want(only_key::<C, S>(input));
    }
    fn take(input: &C, tables: &Tables) -> Result<Option<S>, Unready> {
        Ok(tables.get::<S>().current(&only_key::<C, S>(input))?.cloned())
    }
    fn put(self, input: &C, tables: &mut Tables) {
        tables.of::<S>().put(&only_key::<C, S>(input), self);
    }
}

/// Returns copies of the rows of these keys.
fn take_all<S: Row, O>(keys: Vec<S::Key>, tables: &Tables) -> Result<Rows<S, O>, Unready> {
    let table = tables.get::<S>();
    let mut rows = BTreeMap::new();
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
    fn want(input: &C, tables: &mut Tables) {
        input.concerns().into_iter().for_each(|key| tables.of::<S>().want(key));
    }
    fn take(input: &C, tables: &Tables) -> Result<Self, Unready> {
        take_all(input.concerns(), tables)
    }
    fn put(self, _: &C, tables: &mut Tables) {
        put_all(self, tables);
    }
}

impl<C: Concerns<O::Key>, S: Row, O: Row + Concerns<S::Key>> RowArgument<C> for Rows<S, O> {
    type Row = S;
    const REQUIRED: bool = false;
    fn want(input: &C, tables: &mut Tables) {
        let owner = only_key::<C, O>(input);
        tables.of::<O>().want(owner.clone());
        if let Ok(Some(row)) = tables.get::<O>().current(&owner) {
            row.concerns().into_iter().for_each(|key| tables.of::<S>().want(key));
        }
    }
    fn take(input: &C, tables: &Tables) -> Result<Self, Unready> {
        let owner = tables.get::<O>().current(&only_key::<C, O>(input))?;
        take_all(owner.map(Concerns::concerns).unwrap_or_default(), tables)
    }
    fn put(self, _: &C, tables: &mut Tables) {
        put_all(self, tables);
    }
}

/// The types of all row parameters of a function that receives `C`, as a tuple.
#[diagnostic::on_unimplemented(
    message = "a function that receives `{C}` can't take `{Self}`",
    label = "its rows must be up to three of `&mut S`, `&mut Option<S>`, `&mut Rows<S>` with `S: Row`",
    note = "the message must concern their keys: those of its own key, or those that it declares with `Concerns`"
)]
pub trait RowArguments<C>: Clone + PartialEq + Sized + 'static {
    /// Whether a message waits until one of the rows exists.
    const REQUIRED: bool;
    /// Registers the tables, and returns their names in the order of the parameters.
    #[doc(hidden)]
    fn tables(register: &mut Tables) -> Vec<&'static str>;
    /// Adds the keys of its rows that are not loaded yet to those to load.
    #[doc(hidden)]
    fn want(input: &C, tables: &mut Tables);
    /// Returns copies of the rows.
    #[doc(hidden)]
    fn take(input: &C, tables: &Tables) -> Result<Self, Unready>;
    /// Puts the rows back, changed or not.
    #[doc(hidden)]
    fn put(self, input: &C, tables: &mut Tables);
}

macro_rules! row_arguments {
    ($($row:ident $at:tt)*) => {
        #[allow(unused_variables)]
        impl<I, $($row: RowArgument<I>),*> RowArguments<I> for ($($row,)*) {
            const REQUIRED: bool = false $(|| $row::REQUIRED)*;
            fn tables(register: &mut Tables) -> Vec<&'static str> {
                $(register.register::<$row::Row>();)*
                vec![$(<$row::Row as Row>::TABLE),*]
            }
            fn want(input: &I, tables: &mut Tables) {
                $($row::want(input, tables);)*
            }
            fn take(input: &I, tables: &Tables) -> Result<Self, Unready> {
                Ok(($($row::take(input, tables)?,)*))
            }
            fn put(self, input: &I, tables: &mut Tables) {
                $(self.$at.put(input, tables);)*
            }
        }
    };
}
row_arguments!();
row_arguments!(A 0);
row_arguments!(A 0 B 1);
row_arguments!(A 0 B 1 C 2);
