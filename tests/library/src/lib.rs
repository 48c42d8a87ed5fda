//! Reads the sources of a crate: its modules, which of them mention each other, and the names that it makes public.
//!
//! It reads what is written: names that a macro of the crate generates are not seen.

mod dependencies;
mod names;
mod paths;
mod serde;
mod source;

pub use dependencies::{Graph, circle};
pub use source::{Library, ModulePath};
