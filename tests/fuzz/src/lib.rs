//! Fuzzing of everything that parses what comes from outside.
//!
//! A target makes inputs that are nearly valid, and checks what must hold for each: it is read or refused, and nothing
//! panics; what is read is written so that it is read as the same. Random bytes alone would end at the first check of a
//! parser, so inputs are valid examples with a few changes. Bytes decide which changes; proptest makes them, and makes
//! those of a failing input smaller. (bolero would run the targets with libFuzzer as well; its release 0.13.7 needs
//! exactly an older indexmap than the rest of the workspace.)
//!
//! `FUZZ_SECONDS` says how long each target runs. `FUZZ_INPUT` repeats one input of one target, as a failure names it.

mod bytes;
mod draw;
mod envelope;
mod examples;
mod fake_server;
mod json;
mod panics;
mod request;
mod run;
mod shop;
mod target;
pub mod targets;
mod text;

pub use run::run;
pub use target::Target;
