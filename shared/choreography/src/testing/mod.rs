//! What tests of an application use: the whole of it in memory, and switches that make something fail.

#[cfg(feature = "testing")]
mod harness;

#[cfg(feature = "testing")]
pub use harness::{Harness, Published, Trouble};
