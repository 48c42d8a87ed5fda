#![doc = include_str!("../README.md")]

mod arguments;
mod checks;
mod concerns;
mod message;
mod row;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `Message` for a struct.
///
/// ```
/// use choreography::Message;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Serialize, Deserialize, Message)]
/// #[message(name = "create-payment", key = order_id, role = step)]
/// pub struct CreatePayment {
///     pub order_id: u64,
/// }
/// ```
///
/// - `name`: the message's name, in kebab case.
/// - `key`: the field that is the message's key. A field of a field needs its type: `key = order.id: OrderId`.
/// - `role`: `step`, `event` or `compensation`.
/// - `version`: the payload's version; 1 if it is left out.
/// - `before`: the type of the version before it, the same message with a lower version. `From` makes this type of it, so that
///   payloads of both are read.
/// - `concerns`: a field with keys of other rows that the message is about, one key or an `Option` or `Vec` of keys; for a
///   reaction that takes them as `Rows`.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    expand(message::message(&parse_macro_input!(input as DeriveInput)))
}

/// Implements `Command`, and `Message` with it, for a struct.
///
/// ```
/// # use choreography::{Command, Row};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
/// # #[row(table = "payment", key = u64)]
/// # pub struct Payment;
/// #[derive(Debug, Clone, Serialize, Deserialize, Command)]
/// #[command(name = "confirm-payment", key = order_id, row = Payment)]
/// pub struct ConfirmPayment {
///     pub order_id: u64,
/// }
/// ```
///
/// - `name`: the command's name, in kebab case.
/// - `key`: the field that is the command's key. A field of a field needs its type: `key = order.id: OrderId`.
/// - `row`: the row that the caller gets in the reply.
/// - `version`: the payload's version; 1 if it is left out.
/// - `concerns`: as for a message.
#[proc_macro_derive(Command, attributes(command))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    expand(message::command(&parse_macro_input!(input as DeriveInput)))
}

/// Implements `Row` for a struct or an enum.
///
/// ```
/// # use choreography::Row;
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
/// #[row(table = "payment", key = u64)]
/// pub struct Payment {
///     pub confirmed: bool,
/// }
/// ```
///
/// - `table`: the table's name, in snake case.
/// - `key`: the type of the rows' keys.
/// - `concerns`: a field with keys of other rows, one key or an `Option` or `Vec` of keys; for a reaction that takes them
///   as `Rows<Other, This>`.
/// - `final`: a method of the row, `fn(&self) -> bool`, that says whether its story has ended here.
#[proc_macro_derive(Row, attributes(row))]
pub fn derive_row(input: TokenStream) -> TokenStream {
    expand(row::row(&parse_macro_input!(input as DeriveInput)))
}

fn expand(implementation: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    implementation.unwrap_or_else(|error| error.to_compile_error()).into()
}
