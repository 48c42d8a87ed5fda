//! Keys: they identify rows, and the story that a message belongs to.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

/// What identifies a row, or the story that a message belongs to: an order's id, a product's code.
///
/// It is implemented for every type with these abilities. Make each key a newtype of its own, so that the compiler
/// distinguishes an order's id and a payment's. As text, a message's key is one token of its subject: it is not empty,
/// and has no dots, wildcards, blanks or control characters.
pub trait Key: Clone + Ord + Hash + Debug + Display + FromStr + Send + Sync + 'static {}

impl<K: Clone + Ord + Hash + Debug + Display + FromStr + Send + Sync + 'static> Key for K {}

/// Which rows of a table, by key, a message or a row concerns.
///
/// Every message concerns its own key. Other keys that it carries are declared beside it:
///
/// ```
/// # #[derive(Clone)] struct Sku;
/// # struct Line { sku: Sku }
/// # struct ReserveStock { lines: Vec<Line> }
/// use choreography::Concerns;
///
/// impl Concerns<Sku> for ReserveStock {
///     fn concerns(&self) -> Vec<Sku> {
///         self.lines.iter().map(|line| line.sku.clone()).collect()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which `{K}` it concerns",
    label = "this row's key is `{K}`, which `{Self}` does not carry",
    note = "a message concerns the rows of its own key; declare others beside it: `impl Concerns<{K}> for {Self}`"
)]
pub trait Concerns<K> {
    /// Returns the keys. They may repeat, and their order does not matter.
    fn concerns(&self) -> Vec<K>;
}
