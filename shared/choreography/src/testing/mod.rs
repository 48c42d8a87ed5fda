//! What tests of an application use: the whole of it in memory, and switches that make something fail.

pub(crate) mod fault;
#[cfg(feature = "testing")]
mod harness;

#[cfg(feature = "testing")]
pub use harness::{Harness, Published, Trouble};
